#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "lib/ipc/channel.h"
#include "lib/ipc/rpc.h"

namespace facteur::ipc {

/// Answers the questions of other daemons.  Handlers of one connection run side by side; each is
/// `Task<Result<Packet<Reply>>> handler(Packet<R>, const Peer&)`.
class Server {
public:
    /// Questions of one connection that may be in work at once; then it is not read further.
    explicit Server(std::size_t concurrency_limit = 2000) : limit_(concurrency_limit) {}

    template <Request R>
    using Handler = std::function<Task<Result<Packet<typename R::Reply>>>(Packet<R>, const Peer&)>;

    /// server.on<Submit>([this](Packet<Submit> p, const Peer& peer) { return submit(…); });
    /// The lambda is no coroutine itself (style R5): it calls one.
    template <Request R>
    void on(Handler<R> handler) {
        handlers_[std::string(R::kName)] = [handler = std::move(handler)](Frame frame,
                                                                          const Peer& peer) {
            return answer<R>(handler, std::move(frame), peer);
        };
    }

    /// Serves one connection until its peer leaves or the scope is cancelled; what is in work then
    /// is finished and answered first.
    Task<void> serve(Scope& scope, Fd connection);

private:
    using RawHandler = std::function<Task<Result<Frame>>(Frame, const Peer&)>;
    class Connection;

    template <Request R>
    static Task<Result<Frame>> answer(const Handler<R>& handler, Frame frame, const Peer& peer) {
        CO_TRY(R request, decode<R>(frame.body));
        Packet<R> question(std::move(request), std::move(frame.fds));
        Result<Packet<typename R::Reply>> reply = co_await handler(std::move(question), peer);
        if (!reply) co_return std::unexpected(std::move(reply).error());
        Frame out;
        out.name = kAnswer;
        out.body = encode(reply->message);
        out.fds = std::move(reply->fds);
        co_return out;
    }

    std::map<std::string, RawHandler, std::less<>> handlers_;
    std::size_t limit_;
};

}  // namespace facteur::ipc
