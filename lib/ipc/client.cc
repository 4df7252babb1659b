#include "lib/ipc/client.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/sleep.h"

namespace facteur::ipc {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kFirstPause(10);
constexpr milliseconds kLongestPause(500);

bool fill_address(const std::string& path, sockaddr_un& address) {
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return true;
}

}  // namespace

Fd connect_unix(const std::string& path) {
    sockaddr_un address{};
    if (!fill_address(path, address)) return Fd();
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return Fd();
    // A Unix socket connects at once or, with a full backlog, says EAGAIN.
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return Fd();
    return fd;
}

Result<Fd> listen_unix(const std::string& path) {
    sockaddr_un address{};
    if (!fill_address(path, address)) return system_error(path);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return system_error("socket");
    ::unlink(path.c_str());
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd.get(), SOMAXCONN) != 0) {
        return system_error("listen on " + path);
    }
    return fd;
}

/// A question without its answer; lives in the frame of exchange().
class Client::Pending {
public:
    Pending(Client& client, std::uint64_t id, Channel::Parcel question)
        : parcel(std::move(question)), client_(&client), id_(id) {
        client_->pending_.emplace(id_, this);
    }
    ~Pending() {
        if (client_) client_->pending_.erase(id_);
    }
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;

    Channel::Parcel parcel;
    Frame answer;
    bool answered = false;
    Signal done;

    /// The client goes first: at the end of a process, and in tests.
    void detach() { client_ = nullptr; }

private:
    Client* client_;
    std::uint64_t id_;
};

Client::Client(Scope& scope, std::string path, Milliseconds budget)
    : scope_(scope), path_(std::move(path)), budget_(budget), running_(scope) {}

Client::~Client() {
    for (const auto& [id, question] : pending_)
        question->detach();
}

Task<Result<Frame>> Client::exchange(std::string_view name, std::string body, std::vector<Fd> fds) {
    std::uint64_t id = ++last_id_;
    Pending pending(*this, id, Channel::pack(name, id, body, std::move(fds)));
    body = std::string();
    if (!started_) {
        started_ = true;
        running_.spawn(run());
    }
    if (channel_) {
        channel_->put(pending.parcel);
    } else {
        work_.notify_one();
    }
    TimePoint deadline = Loop::current().now() + budget_;
    bool late = false;
    try {
        while (!pending.answered)
            co_await pending.done.wait(scope_, deadline);
    } catch (const TimedOut&) {
        late = true;
    }
    if (late) co_return temporary("no answer from " + path_ + " (" + std::string(name) + ")");
    if (pending.answer.name == Refusal::kName) {
        CO_TRY(Refusal refusal, decode<Refusal>(pending.answer.body));
        if (refusal.permanent) co_return permanent(refusal.text, refusal.status);
        co_return temporary(refusal.text, refusal.status);
    }
    co_return std::move(pending.answer);
}

Task<Fd> Client::connect_socket() {
    milliseconds pause = kFirstPause;
    bool told = false;
    for (;;) {
        Fd fd = connect_unix(path_);
        if (fd) co_return fd;
        if (pause == kLongestPause && !told) {
            log_warning("connect to " + path_ + ": " + std::strerror(errno) + "; still trying");
            told = true;
        }
        co_await Sleep(running_, pause);
        pause = std::min(pause * 2, kLongestPause);
    }
}

Task<void> Client::run() {
    for (;;) {
        while (pending_.empty())
            co_await work_.wait(running_);
        Fd socket = co_await connect_socket();
        channel_ = std::make_unique<Channel>(running_, std::move(socket));
        for (const auto& [id, question] : pending_) {
            if (!question->answered) channel_->put(question->parcel);
        }
        bool gone = false;
        try {
            co_await converse();
        } catch (const Closed&) {
            gone = true;
        }
        if (gone) channel_.reset();
    }
}

Task<void> Client::converse() {
    for (;;) {
        Frame frame = co_await channel_->receive();
        auto found = pending_.find(frame.id);
        if (found == pending_.end() || found->second->answered) continue;  // nobody waits any more
        found->second->answered = true;
        found->second->answer = std::move(frame);
        found->second->done.notify_one();
    }
}

}  // namespace facteur::ipc
