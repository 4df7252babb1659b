#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/ipc/channel.h"
#include "lib/ipc/rpc.h"

namespace facteur::ipc {

/// Questions to one other daemon, pipelined over one connection.  When the daemon goes away, what
/// it has not answered is asked again of its successor until the deadline of the question: all
/// requests are idempotent.
class Client {
public:
    /// path: of the socket, relative to the working directory.  Connects with the first question.
    Client(Scope& scope, std::string path, Milliseconds budget = std::chrono::seconds(100));
    ~Client();

    /// auto answer = co_await client.call(std::move(request));
    /// The answer, the other daemon's Error, or a temporary Error when it stays silent.
    template <Request R>
    Task<Result<Packet<typename R::Reply>>> call(R request, std::vector<Fd> fds = {}) {
        std::string body = encode(request);
        Result<Frame> frame = co_await exchange(R::kName, std::move(body), std::move(fds));
        if (!frame) co_return std::unexpected(std::move(frame).error());
        Result<typename R::Reply> reply = decode<typename R::Reply>(frame->body);
        if (!reply) co_return std::unexpected(std::move(reply).error());
        Packet<typename R::Reply> packet(*std::move(reply), std::move(frame->fds));
        co_return packet;
    }
    /// Has a connection now.
    bool connected() const { return channel_ != nullptr; }

private:
    class Pending;
    Task<Result<Frame>> exchange(std::string_view name, std::string body, std::vector<Fd> fds);
    Task<void> run();
    Task<void> converse();
    Task<Fd> connect_socket();

    Scope& scope_;
    std::string path_;
    Milliseconds budget_;
    Signal work_;
    std::unique_ptr<Channel> channel_;
    std::map<std::uint64_t, Pending*> pending_;  ///< in the order of the questions
    std::uint64_t last_id_ = 0;
    bool started_ = false;
    Scope running_;  ///< last: its tasks use all of the above
};

/// A connected socket to path; nothing yet when the daemon does not listen (errno tells).
Fd connect_unix(const std::string& path);
/// A listening SOCK_STREAM Unix socket; an old socket file at path is replaced.
Result<Fd> listen_unix(const std::string& path);

}  // namespace facteur::ipc
