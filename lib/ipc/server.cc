#include "lib/ipc/server.h"

#include "lib/base/log.h"
#include "lib/event/errors.h"

namespace facteur::ipc {

using std::chrono::seconds;

class Server::Connection {
public:
    Connection(Server& server, Scope& scope, Fd socket)
        : server_(server), scope_(scope), channel_(scope, std::move(socket)) {}

    Task<void> run() {
        peer_ = channel_.peer();
        bool cancelled = false;
        try {
            co_await read_questions();
        } catch (const Cancelled&) {
            cancelled = true;
        } catch (const Disconnect&) {
        }
        co_await work_.join();
        if (!cancelled) co_return;
        try {
            co_await channel_.drained(Loop::current().now() + seconds(5));
        } catch (const Disconnect&) {  // the peer asks our successor again
        }
    }

private:
    Task<void> read_questions() {
        for (;;) {
            Frame frame = co_await channel_.receive();
            work_.spawn(handle(std::move(frame)));
            while (work_.running() >= server_.limit_)
                co_await finished_.wait(scope_);
        }
    }

    /// A temporary failure of a process that ends is no answer: the client asks its successor.
    Task<void> handle(Frame frame) {
        std::uint64_t id = frame.id;
        auto handler = server_.handlers_.find(frame.name);
        if (handler == server_.handlers_.end()) {
            log_warning("unknown question from process " + std::to_string(peer_.pid) + ": " +
                        frame.name);
            refuse(id, Error{Error::Kind::permanent, "5.3.0", "unknown question"});
        } else {
            Result<Frame> answer = temporary("internal error");
            bool given_up = false;
            try {
                answer = co_await handler->second(std::move(frame), peer_);
            } catch (const Cancelled&) {
                given_up = true;  // unanswered, so the peer asks our successor
            } catch (const std::exception& failure) {
                answer = temporary(failure.what());
            }
            if (given_up) {
                log_debug("left to the next process: " + handler->first);
            } else if (answer) {
                channel_.put(kAnswer, id, answer->body, std::move(answer->fds));
            } else if (!scope_.cancelled() || !answer.error().is_temporary()) {
                refuse(id, answer.error());
            }
        }
        finished_.notify_one();
    }

    void refuse(std::uint64_t id, const Error& error) {
        Refusal refusal;
        refusal.permanent = error.is_temporary() ? 0 : 1;
        refusal.status = error.status;
        refusal.text = error.text;
        channel_.put(Refusal::kName, id, encode(refusal));
    }

    Server& server_;
    Scope& scope_;
    Channel channel_;
    Peer peer_;
    Signal finished_;
    Scope work_;  ///< no child of scope_: what is in work is answered; last: it uses the rest
};

Task<void> Server::serve(Scope& scope, Fd connection) {
    Connection one(*this, scope, std::move(connection));
    co_await one.run();
}

}  // namespace facteur::ipc
