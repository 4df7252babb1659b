#include "lmtp-local/users.h"

#include "lib/event/loop.h"
#include "lib/ipc/ways/auth.h"

namespace facteur::lmtp_local {
namespace {

/// A user that moves must not get mail in the old place for long.
constexpr Seconds kKeep{10};

}  // namespace

Users::Users(Scope& scope, WorkerPool& workers, std::string hostname, std::size_t cache_limit)
    : authd_(scope, "private/auth"),
      workers_(workers),
      hostname_(std::move(hostname)),
      cache_limit_(cache_limit) {}

Task<Result<std::shared_ptr<User>>> Users::find(std::string name) {
    TimePoint now = Loop::current().now();
    if (auto at = known_.find(name); at != known_.end() && at->second.until > now)
        co_return at->second.user;
    ipc::UserLookup lookup;
    lookup.user = name;
    lookup.service = "lmtp";
    CO_TRY(auto answer, co_await authd_.call(std::move(lookup)));
    if (!answer.message.found) co_return std::shared_ptr<User>();
    auto user = std::make_shared<User>();
    user->name = answer.message.user;
    user->home = answer.message.home;
    user->uid = answer.message.uid;
    user->gid = answer.message.gid;
    store::Options options;
    options.hostname = hostname_;
    options.owner = store::Owner{user->uid, user->gid};
    CO_TRY(user->store, co_await store::open_store(answer.message.mail, options, workers_));
    if (known_.size() >= cache_limit_) {
        std::erase_if(known_, [now](const auto& item) { return item.second.until <= now; });
        if (known_.size() >= cache_limit_) known_.clear();
    }
    if (cache_limit_ > 0) known_[name] = Known{user, now + kKeep};
    co_return user;
}

}  // namespace facteur::lmtp_local
