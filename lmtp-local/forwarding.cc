#include "lmtp-local/forwarding.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/write_all.h"
#include "lib/mime/address.h"
#include "lib/mime/header.h"
#include "lib/spool/queue_id.h"

namespace facteur::lmtp_local {
namespace {

constexpr std::size_t kMostForward = 64 * 1024;
constexpr std::size_t kMostIncludes = 20;
constexpr std::size_t kMostHeader = 256 * 1024;

ipc::AliasTarget target_of(std::string word) {
    if (word.starts_with('"') && word.ends_with('"') && word.size() > 1)
        word = word.substr(1, word.size() - 2);
    if (istarts_with(word, ":include:")) return {ipc::AliasKind::address, word};
    if (word.starts_with('|')) return {ipc::AliasKind::command, word.substr(1)};
    if (word.starts_with('/')) return {ipc::AliasKind::file, word};
    if (word.starts_with('\\')) return {ipc::AliasKind::user, word.substr(1)};
    auto addresses = mime::parse_addresses(word, 1);
    if (addresses.empty()) return {ipc::AliasKind::address, {}};
    const mime::Address& address = addresses.front();
    return {ipc::AliasKind::address,
            address.host.empty() ? address.mailbox : address.mailbox + "@" + address.host};
}

std::string read_range(int fd, std::uint64_t offset, std::size_t size) {
    std::string out(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        ssize_t got =
            ::pread(fd, out.data() + have, size - have, static_cast<off_t>(offset + have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    out.resize(have);
    return out;
}

}  // namespace

std::vector<ipc::AliasTarget> parse_forward(std::string_view text) {
    std::vector<ipc::AliasTarget> targets;
    for (std::string_view line : split(text, '\n')) {
        std::string word;
        bool quoted = false;
        auto finish = [&] {
            std::string trimmed(trim(word));
            word.clear();
            if (trimmed.empty()) return;
            ipc::AliasTarget target = target_of(std::move(trimmed));
            if (!target.value.empty()) targets.push_back(std::move(target));
        };
        for (char c : line) {
            if (c == '"') quoted = !quoted;
            if (c == '#' && !quoted) break;
            if (c == ',' && !quoted) {
                finish();
            } else {
                word.push_back(c);
            }
        }
        finish();
    }
    return targets;
}

namespace {

std::optional<std::string> read_trusted(const std::string& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat found {};
    if (!fd || ::fstat(fd.get(), &found) != 0) return std::nullopt;
    bool trusted = S_ISREG(found.st_mode) && (found.st_uid == ::geteuid() || found.st_uid == 0) &&
                   (found.st_mode & S_IWOTH) == 0;
    if (trusted) return read_range(fd.get(), 0, kMostForward);
    log_warning("ignoring " + path + ": not a file of its user alone");
    return std::nullopt;
}

}  // namespace

std::optional<std::vector<ipc::AliasTarget>> read_forward_file(const std::string& path,
                                                               Included may) {
    constexpr std::string_view kInclude = ":include:";
    auto text = read_trusted(path);
    if (!text) return std::nullopt;
    std::vector<ipc::AliasTarget> targets;
    std::vector<ipc::AliasTarget> open = parse_forward(*text);
    for (std::size_t files = 1; !open.empty();) {
        ipc::AliasTarget target = std::move(open.front());
        open.erase(open.begin());
        if (!istarts_with(target.value, kInclude)) {
            targets.push_back(std::move(target));
            continue;
        }
        const std::string included(trim(std::string_view(target.value).substr(kInclude.size())));
        auto list = ++files > kMostIncludes ? std::nullopt : read_trusted(included);
        if (!list) continue;
        // local(8): no commands and files in :include: files, unless the administrator allows them.
        for (ipc::AliasTarget& member : parse_forward(*list)) {
            const bool allowed = member.kind == ipc::AliasKind::command ? may.commands
                                 : member.kind == ipc::AliasKind::file  ? may.files
                                                                        : true;
            if (!allowed) continue;
            member.via = kIncludedVia;
            open.push_back(std::move(member));
        }
    }
    return targets;
}

bool was_delivered_to(int content, std::uint64_t offset, std::uint64_t size,
                      const std::string& address) {
    std::string header = read_range(content, offset, std::min<std::uint64_t>(size, kMostHeader));
    mime::FieldReader reader(header);
    mime::Field field;
    while (reader.next(field)) {
        if (iequals(field.name, "delivered-to") && iequals(trim(field.value), address)) return true;
    }
    return false;
}

Result<Fd> prefixed_copy(int content, std::uint64_t offset, std::uint64_t size,
                         std::string_view fields) {
    Fd copy(::memfd_create("facteur-forward", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!copy || !write_all(copy.get(), fields)) return system_error("memory file");
    constexpr std::size_t kBlock = 256 * 1024;
    for (std::uint64_t done = 0; done < size;) {
        std::string block =
            read_range(content, offset + done, std::min<std::uint64_t>(kBlock, size - done));
        if (block.empty()) return temporary("the content of the message is cut");
        if (!write_all(copy.get(), block)) return system_error("memory file");
        done += block.size();
    }
    constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (::fcntl(copy.get(), F_ADD_SEALS, kSeals) != 0) return system_error("seal");
    return copy;
}

std::string forwarded_id(const std::string& queue_id, std::uint32_t recipient,
                         const std::string& part) {
    auto id = spool::QueueId::parse(queue_id);
    if (!id) return spool::make_queue_id();
    // Another microsecond and process id, derived from both: the chance that it is somebody
    // else's is the chance of two messages in one microsecond of a process with that very number.
    std::string seed = queue_id + "/" + std::to_string(recipient);
    if (!part.empty()) seed += "/" + part;
    std::uint32_t mixed = crc32c(seed);
    return spool::format_queue_id(id->time + 1 + mixed % 997, mixed % 28'000'000);
}

}  // namespace facteur::lmtp_local
