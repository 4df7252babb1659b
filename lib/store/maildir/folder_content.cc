#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/write_all.h"
#include "lib/store/compression.h"
#include "lib/store/index/summary_codec.h"
#include "lib/store/maildir/files.h"
#include "lib/store/maildir/folder.h"

namespace facteur::store::maildir {
namespace {

std::unexpected<Error> expunged() {
    return permanent("the message has been expunged", "5.7.0");
}

/// Bytes of the wire form: each LF without a CR before it becomes CRLF.
std::string to_wire_form(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 32);
    char before = 0;
    for (char c : text) {
        if (c == '\n' && before != '\r') out.push_back('\r');
        out.push_back(c);
        before = c;
    }
    return out;
}

std::uint64_t physical_size(int fd) {
    struct stat found {};
    return ::fstat(fd, &found) == 0 ? static_cast<std::uint64_t>(found.st_size) : 0;
}

std::string read_all(int fd) {
    std::string out(physical_size(fd), '\0');
    std::size_t have = 0;
    while (have < out.size()) {
        ssize_t got = ::pread(fd, out.data() + have, out.size() - have, static_cast<off_t>(have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
}

/// A compressed message may not become larger than this.
constexpr std::size_t kMostUnpacked = std::size_t{1} << 30;

bool is_packed(int fd) {
    char start[4];
    ssize_t got = ::pread(fd, start, sizeof start, 0);
    return got > 0 && is_compressed(std::string_view(start, static_cast<std::size_t>(got)));
}

/// The message in the file, in wire form.
Result<std::string> read_wire_form(int fd) {
    std::string bytes = read_all(fd);
    if (is_compressed(bytes)) {
        TRY(bytes, decompress(bytes, kMostUnpacked));
    }
    return to_wire_form(bytes);
}

Result<Fd> in_memory(std::string_view bytes) {
    Fd fd(::memfd_create("facteur-message", MFD_CLOEXEC));
    if (!fd || !write_all(fd.get(), bytes)) return system_error("memory file");
    return fd;
}

}  // namespace

Result<index::Entry> Folder::entry(std::uint32_t uid) const {
    std::lock_guard guard(state_mutex_);
    const index::Entry* found = state_.find(uid);
    if (!found) return expunged();
    return *found;
}

std::string Folder::path_of(std::uint32_t uid) const {
    std::lock_guard guard(state_mutex_);
    const index::Entry* found = state_.find(uid);
    if (!found) return {};
    return dir_ + "/" + std::string(place_name(found->place)) + "/" +
           std::string(state_.name(*found));
}

Result<Fd> Folder::open_message(std::uint32_t uid) {
    // Another program or process may rename the file between our look and the open.
    for (int attempt = 0; attempt < 3; ++attempt) {
        std::string path = path_of(uid);
        if (path.empty()) return expunged();
        Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (fd) return fd;
        if (errno != ENOENT) return system_error("open " + path);
        TRY_VOID(refresh(attempt > 0));
    }
    return expunged();
}

/// Remembers what had to be read from the message.
Result<void> Folder::note_content(std::uint32_t uid, std::uint64_t size, const Summary* summary) {
    TRY(Turn turn, begin());
    std::string bytes = summary ? index::encode_summary(*summary) : std::string();
    index::RecordWriter records = writer();
    records.add(index::Summarized{uid, size, bytes});
    TRY_VOID(commit(records));
    return compact_if_due();
}

Result<Content> Folder::content(std::uint32_t uid) {
    Content out;
    TRY(out.fd, open_message(uid));
    TRY(index::Entry known, entry(uid));
    out.size = physical_size(out.fd.get());
    // What Facteur stored is in wire form.  So is what has as many bytes on the wire as on disk.
    const bool packed = is_packed(out.fd.get());
    if (known.size == out.size && !packed) return out;
    if (packed && take_unpacked(uid, out)) return out;
    TRY(std::string wire, read_wire_form(out.fd.get()));
    if (wire.size() != out.size || packed) {
        TRY(out.fd, in_memory(wire));
        out.size = wire.size();
    }
    if (known.size != wire.size()) {
        TRY_VOID(note_content(uid, wire.size(), nullptr));
    }
    if (packed) {
        std::lock_guard guard(state_mutex_);
        unpacked_uid_ = uid;
        unpacked_ = out.fd.duplicate();
    }
    return out;
}

/// The message that was decompressed last: clients fetch large ones piece by piece.
bool Folder::take_unpacked(std::uint32_t uid, Content& out) const {
    std::lock_guard guard(state_mutex_);
    if (!unpacked_ || unpacked_uid_ != uid) return false;
    Fd same = unpacked_.duplicate();
    if (!same) return false;
    out.fd = std::move(same);
    out.size = physical_size(out.fd.get());
    return true;
}

Result<void> Folder::read_messages(const std::vector<std::uint32_t>& uids, const Reader& reader) {
    for (std::uint32_t uid : uids) {
        auto message = content(uid);
        if (!message && message.error().is_temporary())
            return std::unexpected(std::move(message).error());
        if (message) reader(uid, read_all(message->fd.get()));
    }
    return {};
}

std::optional<Summary> Folder::cached_summary(std::uint32_t uid) const {
    std::lock_guard guard(state_mutex_);
    const index::Entry* found = state_.find(uid);
    if (!found) return std::nullopt;
    return index::decode_summary(summary_bytes(*found));
}

bool Folder::peek(std::uint32_t uid, const std::function<void(const SummaryView&)>& visit) const {
    std::lock_guard guard(state_mutex_);
    const index::Entry* found = state_.find(uid, hint_);
    if (!found || found->source == index::Entry::none) return false;
    auto view = index::view_summary(summary_bytes(*found));
    if (view) visit(*view);
    return view.has_value();
}

void Folder::rest() const {
    std::lock_guard guard(state_mutex_);
    log_window_.close();
    cache_window_.close();
    unpacked_.reset();
}

Result<void> Folder::summarize(const std::vector<std::uint32_t>& uids) {
    struct Made {
        std::uint32_t uid;
        std::uint64_t size;
        std::string summary;
    };
    std::vector<Made> made;
    for (std::uint32_t uid : uids) {
        if (peek(uid, [](const SummaryView&) {})) continue;
        auto message = content(uid);
        if (!message && message.error().is_temporary())
            return std::unexpected(std::move(message).error());
        if (!message) continue;
        std::string bytes = read_all(message->fd.get());
        std::string summary = index::encode_summary(index::make_summary({}, bytes));
        if (!summary.empty()) made.push_back({uid, bytes.size(), std::move(summary)});
    }
    if (made.empty()) return {};
    TRY(Turn turn, begin());
    index::RecordWriter records = writer();
    for (const Made& one : made)
        records.add(index::Summarized{one.uid, one.size, one.summary});
    TRY_VOID(commit(records));
    return compact_if_due();
}

Result<Summary> Folder::summary(std::uint32_t uid) {
    if (auto cached = cached_summary(uid)) return *std::move(cached);
    TRY(Content message, content(uid));
    std::string bytes = read_all(message.fd.get());
    Summary made = index::make_summary({}, bytes);
    TRY_VOID(note_content(uid, bytes.size(), &made));
    return made;
}

Result<void> Folder::measure(const std::vector<std::uint32_t>& uids) {
    std::vector<std::pair<std::uint32_t, std::uint64_t>> sizes;
    for (std::uint32_t uid : uids) {
        auto known = entry(uid);
        if (!known || known->size != 0) continue;
        auto fd = open_message(uid);
        if (!fd && fd.error().is_temporary()) return std::unexpected(std::move(fd).error());
        if (!fd) continue;
        auto wire = read_wire_form(fd->get());
        if (wire) sizes.emplace_back(uid, wire->size());
    }
    if (sizes.empty()) return {};
    TRY(Turn turn, begin());
    index::RecordWriter records = writer();
    for (auto [uid, size] : sizes)
        records.add(index::Summarized{uid, size, {}});
    TRY_VOID(commit(records));
    return compact_if_due();
}

}  // namespace facteur::store::maildir
