#include "lmtp-local/hands.h"

#include <cerrno>

#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/readiness.h"
#include "lib/event/sleep.h"
#include "lib/ipc/datagram.h"

namespace facteur::lmtp_local {
namespace {

constexpr Seconds kIdleHand{20};

}  // namespace

/// Our end of one process.
class Hands::Hand {
public:
    explicit Hand(Fd socket) : socket_(std::move(socket)), readiness_(socket_.get()) {}

    /// Nothing: it ended instead of answering.
    Task<std::optional<ipc::Datagram>> exchange(Scope& scope, const std::string& bytes,
                                                int content) {
        while (!ipc::send_datagram(socket_.get(), bytes, content)) {
            if (errno != EAGAIN) co_return std::nullopt;
            readiness_.would_block(Readiness::write);
            co_await readiness_.wait(Readiness::write, scope);
        }
        std::optional<ipc::Datagram> answer = ipc::receive_datagram(socket_.get(), kDatagramLimit);
        while (!answer) {
            readiness_.would_block(Readiness::read);
            co_await readiness_.wait(Readiness::read, scope);
            answer = ipc::receive_datagram(socket_.get(), kDatagramLimit);
        }
        if (answer->end || answer->cut) answer.reset();
        co_return answer;
    }
    TimePoint idle_since;

private:
    Fd socket_;
    Readiness readiness_;
};

Hands::Hands(Scope& scope, Result<Broker> broker, std::size_t limit)
    : scope_(scope), broker_(std::move(broker)), limit_(limit), tidy_(scope) {}

Hands::~Hands() = default;

Task<Result<Hands::Answer>> Hands::exchange(Identity who, std::string bytes, Fd content) {
    if (bytes.size() > kDatagramLimit) co_return permanent("too much for one delivery", "5.3.4");
    CO_TRY(std::unique_ptr<Hand> hand, co_await take(who));
    std::optional<ipc::Datagram> answer;
    bool cancelled = false;
    try {
        answer = co_await hand->exchange(scope_, bytes, content.get());
    } catch (const Disconnect&) {
        cancelled = true;
    }
    if (!answer || cancelled) {
        --count_;
        freed_.notify_one();
        co_return temporary("process for uid " + std::to_string(who.uid) +
                            " ended before it was done");
    }
    give_back(who, std::move(hand));
    auto result = ipc::decode<TaskResult>(answer->body());
    if (!result) co_return std::unexpected(std::move(result).error());
    using Kind = TaskResult::Kind;
    if (result->kind == Kind::temporary) co_return temporary(result->text, result->status);
    if (result->kind == Kind::permanent) co_return permanent(result->text, result->status);
    Answer out;
    out.result = *std::move(result);
    out.fd = answer->take_fd();
    co_return out;
}

Task<Result<std::unique_ptr<Hands::Hand>>> Hands::take(Identity who) {
    if (!broker_) co_return std::unexpected(broker_.error());
    for (;;) {
        if (auto at = idle_.find(who); at != idle_.end()) {
            std::unique_ptr<Hand> hand = std::move(at->second.back());
            at->second.pop_back();
            if (at->second.empty()) idle_.erase(at);
            co_return hand;
        }
        if (count_ < limit_ || dismiss_longest_idle()) break;
        co_await freed_.wait(scope_);
    }
    ++count_;
    auto socket = broker_->hand(who);
    if (!socket) {
        --count_;
        freed_.notify_one();
        co_return std::unexpected(std::move(socket).error());
    }
    co_return std::make_unique<Hand>(*std::move(socket));
}

void Hands::give_back(Identity who, std::unique_ptr<Hand> hand) {
    hand->idle_since = Loop::current().now();
    idle_[who].push_back(std::move(hand));
    freed_.notify_one();
    if (tidying_) return;
    tidying_ = true;
    tidy_.spawn(dismiss_idle());
}

bool Hands::dismiss_longest_idle() {
    auto longest = idle_.end();
    for (auto at = idle_.begin(); at != idle_.end(); ++at) {
        if (longest == idle_.end() ||
            at->second.front()->idle_since < longest->second.front()->idle_since)
            longest = at;
    }
    if (longest == idle_.end()) return false;
    longest->second.pop_front();
    if (longest->second.empty()) idle_.erase(longest);
    --count_;
    return true;
}

/// Goes on while any are idle.
Task<void> Hands::dismiss_idle() {
    try {
        while (!idle_.empty()) {
            co_await Sleep(tidy_, kIdleHand);
            const TimePoint old = Loop::current().now() - kIdleHand;
            for (auto at = idle_.begin(); at != idle_.end();) {
                auto& hands = at->second;
                while (!hands.empty() && hands.front()->idle_since <= old) {
                    hands.pop_front();
                    --count_;
                    freed_.notify_one();
                }
                at = hands.empty() ? idle_.erase(at) : std::next(at);
            }
        }
    } catch (const Disconnect&) {
    }
    tidying_ = false;
}

}  // namespace facteur::lmtp_local
