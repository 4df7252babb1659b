#include "lmtp-local/users.h"

#include <unistd.h>

#include "lib/event/loop.h"

namespace facteur::lmtp_local {
namespace {

/// A user that moves must not get mail in the old place for long.
constexpr Seconds kKeep{10};

}  // namespace

Users::Users(Scope& scope, WorkerPool& workers, Hands& hands, const Settings& settings)
    : authd_(scope, "private/auth"), workers_(workers), hands_(hands), settings_(settings) {}

Task<Result<std::unique_ptr<Letterbox>>> Users::open_box(const User& user,
                                                         const ipc::UserReply& reply) {
    store::Options options;
    options.hostname = settings_.myhostname();
    options.user = user.name;
    options.home = user.home;
    options.settings = settings_.store.with(reply.extra);
    if (user.uid != ::geteuid() && hands_.can_become_others()) {
        if (user.uid == 0 || user.gid == 0)
            co_return temporary("mail is not delivered as root: give " + user.name + " an alias",
                                "4.3.5");
        Identity who;
        who.uid = user.uid;
        who.gid = user.gid;
        co_return open_letterbox_of(who, reply.mail, std::move(options), hands_, workers_);
    }
    co_return co_await open_own_letterbox(reply.mail, std::move(options), workers_);
}

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
    CO_TRY(user->box, co_await open_box(*user, answer.message));
    keep(name, user);
    co_return user;
}

Task<Result<std::shared_ptr<User>>> Users::at(std::uint32_t uid, std::uint32_t gid,
                                              std::string path) {
    // No name of a user has a slash in front.
    std::string name = "/" + std::to_string(uid) + "/" + std::to_string(gid) + path;
    if (auto at = known_.find(name); at != known_.end() && at->second.until > Loop::current().now())
        co_return at->second.user;
    auto user = std::make_shared<User>();
    user->name = path;
    user->uid = uid;
    user->gid = gid;
    ipc::UserReply reply;
    reply.mail = "maildir:" + path;
    CO_TRY(user->box, co_await open_box(*user, reply));
    keep(name, user);
    co_return user;
}

void Users::keep(const std::string& name, const std::shared_ptr<User>& user) {
    const TimePoint now = Loop::current().now();
    const auto limit = static_cast<std::size_t>(settings_.user_cache());
    if (known_.size() >= limit) {
        std::erase_if(known_, [now](const auto& item) { return item.second.until <= now; });
        if (known_.size() >= limit) known_.clear();
    }
    if (limit > 0) known_[name] = Known{user, now + kKeep};
}

}  // namespace facteur::lmtp_local
