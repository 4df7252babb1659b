#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/base/log.h"
#include "lib/smtp/parameters.h"
#include "qmgr/manager.h"
#include "qmgr/outgoing.h"

namespace facteur::qmgr {
namespace {

constexpr std::size_t kMapFrom = 256 << 10;
constexpr std::uint64_t kHeaderLook = 256 << 10;
constexpr Milliseconds kSpaceCheck{500};
constexpr Seconds kRepeats{600};

/// The bytes of a sealed memory file: copied when small (one system call), mapped when large.
class Bytes {
public:
    static Result<Bytes> of(int fd, std::uint64_t size) {
        // Unsealed, its sender could change or shrink it under our eyes.
        constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
        int seals = ::fcntl(fd, F_GET_SEALS);
        if (seals < 0 || (seals & kSeals) != kSeals) return permanent("content is not sealed");
        struct stat st {};
        if (::fstat(fd, &st) != 0 || static_cast<std::uint64_t>(st.st_size) != size) {
            return permanent("content has another size");
        }
        Bytes bytes;
        if (size < kMapFrom) {
            TRY(bytes.copy_, spool::read_exactly(fd, 0, static_cast<std::size_t>(size)));
            return bytes;
        }
        void* map = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED) return system_error("map the content");  // NOLINT: the C interface
        bytes.map_ = static_cast<const char*>(map);
        bytes.size_ = static_cast<std::size_t>(size);
        return bytes;
    }
    Bytes() = default;
    Bytes(Bytes&& other) noexcept
        : copy_(std::move(other.copy_)),
          map_(std::exchange(other.map_, nullptr)),
          size_(other.size_) {}
    Bytes& operator=(Bytes&&) = delete;
    ~Bytes() {
        if (map_) ::munmap(const_cast<char*>(map_), size_);  // NOLINT: what mmap gave
    }
    std::string_view view() const {
        return map_ ? std::string_view(map_, size_) : std::string_view(copy_);
    }

private:
    std::string copy_;
    const char* map_ = nullptr;
    std::size_t size_ = 0;
};

/// Each recipient once: the same message to the same address is one delivery.
void drop_duplicates(std::vector<spool::Recipient>& recipients) {
    if (recipients.size() < 2) return;
    std::unordered_set<std::string> seen;
    std::erase_if(recipients, [&](const spool::Recipient& recipient) {
        return !seen.insert(recipient.address).second;
    });
}

}  // namespace

std::uint64_t Manager::free_space() {
    if (Loop::current().now() >= free_checked_) {
        free_bytes_ = spool::free_space(".");
        free_checked_ = Loop::current().now() + kSpaceCheck;
    }
    return free_bytes_;
}

ipc::RoomReply Manager::room() {
    ipc::RoomReply reply;
    const std::uint64_t free = free_space();
    const std::uint64_t keep = settings_.queue_minfree();
    reply.free = free - std::min(free, keep);
    const auto most = static_cast<std::uint64_t>(settings_.message_limit());
    const std::uint64_t messages = active_.size() + waiting_count();
    const Milliseconds patience = settings_.slow_disk();
    if (reply.free == 0) {
        reply.text = "the file system of the queue is full";
    } else if (most > 0 && messages >= most) {
        reply.text = fmt::format("there are {} messages in the queue", messages);
    } else if (patience.count() > 0 && pressure_.is_over(patience)) {
        reply.text = "the disk is slow";
    }
    reply.refused = !reply.text.empty();
    return reply;
}

Result<void> Manager::check_room(const spool::Envelope& envelope) {
    if (envelope.recipients.empty()) return permanent("no recipients", "5.5.1");
    if (envelope.recipients.size() > static_cast<std::size_t>(settings_.recipient_limit())) {
        return temporary("too many recipients", "4.5.3");
    }
    const std::uint64_t limit = settings_.message_size_limit();
    if (limit > 0 && envelope.size > limit) {
        return permanent("message size exceeds limit", "5.3.4");
    }
    if (settings_.queue_minfree() == 0) return {};
    if (free_space() < settings_.queue_minfree() + envelope.size) {
        return temporary("insufficient system storage", "4.3.1");
    }
    return {};
}

Task<Result<void>> Manager::accept(spool::QueueId id, spool::Envelope envelope, Fd content_fd,
                                   bool hold) {
    std::optional<Bytes> bytes;
    std::string_view content;
    if (content_fd) {
        CO_TRY(Bytes read, Bytes::of(content_fd.get(), envelope.size));
        bytes.emplace(std::move(read));
        content = bytes->view();
    }
    co_return co_await store(id, std::move(envelope), content, std::move(content_fd), hold);
}

Task<Result<void>> Manager::accept_text(spool::QueueId id, spool::Envelope envelope,
                                        std::string content, bool hold) {
    envelope.size = content.size();
    std::string_view bytes = content;
    Fd none = spool::sealed_memory(bytes).value_or(Fd());
    co_return co_await store(id, std::move(envelope), bytes, std::move(none), hold);
}

Task<Result<Fd>> Manager::reserve(spool::QueueId id) {
    co_return co_await spool_.reserve(id);
}

Task<Result<void>> Manager::store(spool::QueueId id, spool::Envelope envelope,
                                  std::string_view content, Fd content_fd, bool hold) {
    CO_TRY_VOID(check_room(envelope));
    drop_duplicates(envelope.recipients);
    while (arriving_.contains(id))
        co_await arrived_.wait(running_);
    const bool reserved = !content_fd;
    if (spool_.was_forgotten(id) || active_.contains(id) || resting_.contains(id)) {
        co_return Result<void>();
    }
    // What a former qmgr accepted may have a file by now; nobody repeats a request for longer.
    if (Loop::current().now() < started_ + kRepeats && find(id) != Place::nowhere) {
        co_return Result<void>();
    }
    arriving_.insert(id);
    std::optional<Pressure::Commit> commit;
    commit.emplace(pressure_);
    Result<spool::Stored> stored;
    std::string header;
    // On hold means so from the first moment: a crash must not let it go.
    auto to = reserved ? spool::Stored::Where::deferred : spool::Stored::Where::journal;
    if (hold) to = spool::Stored::Where::hold;
    if (reserved) {
        stored = co_await spool_.accept_reserved(id, envelope, to);
        if (stored) header = co_await read_header(*stored);
        content = header;
    } else {
        stored = co_await spool_.accept(id, envelope, content, to);
    }
    commit.reset();
    arriving_.erase(id);
    arrived_.notify_all();
    if (!stored) co_return std::unexpected(std::move(stored).error());
    if (hold) {
        log_info(id.text() + ": placed on hold");
        co_return Result<void>();
    }
    const auto most_hops = static_cast<std::size_t>(settings_.message.hopcount_limit());
    bool looping = count_hops(content.substr(0, kHeaderLook), most_hops) > most_hops;
    spool::Story story(std::move(envelope));
    co_return co_await take_over(*std::move(stored), std::move(story), std::move(content_fd),
                                 looping);
}

/// The beginning of a message that came in a file of its own; empty when it cannot be read.
Task<std::string> Manager::read_header(const spool::Stored& stored) {
    std::string header;
    Result<spool::Content> content = co_await spool_.content(stored);
    if (!content) co_return header;
    std::size_t length =
        static_cast<std::size_t>(std::min<std::uint64_t>(content->size, kHeaderLook));
    header =
        spool::read_exactly(content->fd.get(), content->offset, length).value_or(std::string());
    co_return header;
}

Task<Result<void>> Manager::take_over(spool::Stored stored, spool::Story story, Fd content_fd,
                                      bool looping) {
    const spool::QueueId id = stored.id;
    if (!is_due(story)) {
        log_info(id.text() + ": held until " + smtp::utc_time_text(story.envelope.release_at));
        put_to_rest(std::move(stored), story.next_attempt);
        co_return Result<void>();
    }
    const bool room = active_.size() < static_cast<std::size_t>(settings_.active_limit());
    if (room && fresh_.empty()) {
        // It goes on from memory; nothing is read back from the disk.
        const bool is_file = stored.where != spool::Stored::Where::journal;
        if (is_file) stored.file_end = 0;
        std::uint64_t size = story.envelope.size;
        Message& message = make_active(std::move(stored), std::move(story));
        message.looping = looping;
        keep_content(message, std::move(content_fd), size);
        co_return Result<void>();
    }
    if (stored.where == spool::Stored::Where::journal) resting_.emplace(id, std::move(stored));
    // RFC 6710 section 5.1: what is urgent does not wait behind what came before.
    if (story.envelope.priority > 0) {
        fresh_.push_front(id);
    } else {
        fresh_.push_back(id);
    }
    changed_.notify_all();
    co_return Result<void>();
}

}  // namespace facteur::qmgr
