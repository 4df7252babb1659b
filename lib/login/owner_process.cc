#include "lib/login/owner_process.h"

#include <string_view>

#include <sys/socket.h>

#include "lib/base/log.h"
#include "lib/daemon/protocol.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"

namespace facteur::login {

OwnerProcess::OwnerProcess(Scope& scope, daemon::Birth birth, daemon::Nursery::Child child)
    : birth_(std::move(birth)),
      control_(std::move(child.control)),
      idle_since_(Loop::current().now()),
      way_(scope, std::move(child.way)) {}

bool OwnerProcess::covers(const daemon::Birth& wanted) const {
    return birth_.uid == wanted.uid && birth_.gid == wanted.gid &&
           (birth_.folders.empty() || birth_.folders == wanted.folders);
}

/// A session may have ended before its opener hears that it began.
class OwnerProcess::Question {
public:
    Question(OwnerProcess& process, std::uint64_t number) : process_(process), number_(number) {
        process_.questions_[number_] = this;
    }
    ~Question() { process_.questions_.erase(number_); }
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;

    std::optional<ipc::OpenSessionReply> reply;

private:
    OwnerProcess& process_;
    std::uint64_t number_;
};

Task<std::optional<ipc::OpenSessionReply>> OwnerProcess::open(Scope& scope,
                                                              ipc::OpenSession session, Fd socket,
                                                              std::shared_ptr<void> presence) {
    std::uint64_t number = ++last_number_;
    Question question(*this, number);
    sessions_[number] = std::move(presence);
    std::vector<Fd> fds;
    fds.push_back(std::move(socket));
    way_.put(ipc::OpenSession::kName, number, ipc::encode(session), std::move(fds));
    while (!gone_ && !question.reply)
        co_await answered_.wait(scope);
    co_return std::move(question.reply);
}

void OwnerProcess::hear(const ipc::Frame& frame) {
    if (frame.name == ipc::kSessionEnded) {
        forget(frame.id);
        return;
    }
    auto question = questions_.find(frame.id);
    auto reply = ipc::decode<ipc::OpenSessionReply>(frame.body);
    if (!reply || !reply->accepted) forget(frame.id);
    if (question == questions_.end() || !reply) return;
    question->second->reply = *std::move(reply);
    answered_.notify_all();
}

void OwnerProcess::forget(std::uint64_t number) {
    sessions_.erase(number);
    idle_since_ = Loop::current().now();
}

Task<void> OwnerProcess::listen(Milliseconds idle_time) {
    while (!gone_) {
        bool may_end = sessions_.empty() && !leaving_;
        TimePoint until = kNever;
        if (may_end) until = idle_since_ + idle_time;
        try {
            ipc::Frame frame = co_await way_.receive(until);
            hear(frame);
        } catch (const TimedOut&) {
            bool is_idle = sessions_.empty() && idle_since_ + idle_time <= Loop::current().now();
            if (is_idle) tell(daemon::word::kDrain);
        } catch (const Disconnect&) {
            gone_ = true;
        }
    }
    leaving_ = true;
    if (!sessions_.empty())
        log_warning("the process of uid " + std::to_string(birth_.uid) + " ended with " +
                    std::to_string(sessions_.size()) + " sessions");
    sessions_.clear();
    answered_.notify_all();
}

void OwnerProcess::tell(const char* word) {
    leaving_ = true;
    std::string_view text(word);
    ::send(control_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace facteur::login
