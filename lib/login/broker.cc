#include "lib/login/broker.h"

#include <algorithm>
#include <thread>

#include <unistd.h>

#include "lib/base/log.h"
#include "lib/daemon/protocol.h"
#include "lib/event/errors.h"
#include "lib/store/store.h"

namespace facteur::login {

namespace {

/// From so many sessions on, another process (as many as there are processors) takes the next one
/// of the same uid: otherwise one processor would serve all virtual users.
constexpr std::size_t kCrowd = 32;

constexpr const char* kTryLater = "Internal error, try again later.";

std::string client_key(const ipc::OpenSession& session) {
    return session.user + '\0' + session.remote;
}

ipc::Packet<ipc::OpenSessionReply> refuse(std::string reason) {
    ipc::OpenSessionReply reply;
    reply.reason = std::move(reason);
    return ipc::Packet<ipc::OpenSessionReply>(std::move(reply));
}

/// One session in the count of its client, whatever ends it.
class Counted {
public:
    Counted(std::map<std::string, int>& counts, std::string key)
        : counts_(counts), key_(std::move(key)) {
        ++counts_[key_];
    }
    ~Counted() {
        if (--counts_[key_] == 0) counts_.erase(key_);
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    std::map<std::string, int>& counts_;
    std::string key_;
};

}  // namespace

Broker::Broker(daemon::Process& process, std::string protocol, const MailboxSettings& settings)
    : Service(process),
      protocol_(std::move(protocol)),
      settings_(settings),
      authd_(process.scope(), "private/auth"),
      ways_(process.sessions()) {
    server_.on<ipc::OpenSession>([this](ipc::Packet<ipc::OpenSession> packet, const ipc::Peer&) {
        return open(std::move(packet));
    });
}

Task<void> Broker::start() {
    process().scope().spawn(watch_nursery());
    co_return;
}

Task<void> Broker::watch_nursery() {
    co_await process().nursery()->ended(process().scope());
    process().fail("the nursery has ended");
}

Task<void> Broker::connection(Fd socket, const daemon::Listener&) {
    ++serving_;
    co_await server_.serve(ways_, std::move(socket));
    --serving_;
    changed_.notify_all();
}

/// The login stages go to our successor with their next session; ours go on.
Task<void> Broker::drain() {
    ways_.cancel();
    process().sessions().spawn(pass_on_end());
    co_return;
}

/// The children are told what we are told, once no session is on its way to them.
Task<void> Broker::pass_on_end() {
    const char* last_word = daemon::word::kDrain;
    try {
        while (serving_ > 0)
            co_await changed_.wait(process().sessions());
        for (const Owner& owner : owners_)
            owner->tell(last_word);
        while (!owners_.empty())
            co_await changed_.wait(process().sessions());
    } catch (const Cancelled&) {
        last_word = daemon::word::kStop;
        for (const Owner& owner : owners_)
            owner->tell(last_word);
    }
}

std::string Broker::status() const {
    std::size_t sessions = 0;
    for (const Owner& owner : owners_)
        sessions += owner->sessions();
    return "sessions=" + std::to_string(sessions) + " processes=" + std::to_string(owners_.size());
}

bool Broker::is_over_limit(const ipc::OpenSession& session) const {
    int limit = settings_.max_userip_connections();
    auto found = per_client_.find(client_key(session));
    return limit != 0 && found != per_client_.end() && found->second >= limit;
}

Task<Result<ipc::UserReply>> Broker::look_up(std::string user) {
    ipc::UserLookup lookup;
    lookup.user = user;
    lookup.service = protocol_;
    auto answer = co_await authd_.call(std::move(lookup));
    if (!answer) co_return std::unexpected(answer.error());
    if (!answer->message.found) co_return temporary("user " + user + " has no mailbox");
    co_return std::move(answer->message);
}

/// A process serves all folders of its uid's users when they are many, and otherwise only those
/// of the one user.
Result<daemon::Birth> Broker::owner_of(const ipc::UserReply& user) const {
    daemon::Birth owner;
    TRY(std::string folder, store::folder_of(user.mail));
    bool can_become = process().nursery()->can_become_others();
    if (can_become && (user.uid == 0 || user.gid == 0))
        return permanent("root's mail is not served");
    owner.uid = can_become ? user.uid : ::geteuid();
    owner.gid = can_become ? user.gid : ::getegid();
    owner.folders.push_back(std::move(folder));
    if (user.home.size() > 1 && user.home.starts_with('/')) owner.folders.push_back(user.home);
    return owner;
}

std::size_t Broker::working() const {
    auto number = std::count_if(owners_.begin(), owners_.end(),
                                [](const Owner& owner) { return !owner->is_leaving(); });
    return static_cast<std::size_t>(number);
}

/// Room for one more process, at the cost of the one that has been idle longest.
bool Broker::make_room() {
    auto limit = static_cast<std::size_t>(settings_.process_limit());
    if (working() < limit) return true;
    Owner idle;
    for (const Owner& owner : owners_) {
        if (owner->is_leaving() || owner->sessions() > 0) continue;
        if (!idle || owner->idle_since() < idle->idle_since()) idle = owner;
    }
    if (idle) idle->tell(daemon::word::kDrain);
    return idle != nullptr;
}

/// The least busy process that may serve this mail, or a new one.
Result<Broker::Owner> Broker::process_for(daemon::Birth wanted) {
    auto limit = static_cast<std::size_t>(settings_.sessions_per_process());
    std::size_t same_uid = 0;
    bool is_only_user = wanted.uid != ::geteuid();  // ours is the uid of all virtual users
    Owner best;
    for (const Owner& owner : owners_) {
        if (owner->is_leaving() || owner->birth().uid != wanted.uid) continue;
        ++same_uid;
        is_only_user = is_only_user && owner->birth().folders == wanted.folders;
        if (!owner->covers(wanted) || owner->sessions() >= limit) continue;
        if (!best || owner->sessions() < best->sessions()) best = owner;
    }
    if (best && (best->sessions() < kCrowd || same_uid >= std::thread::hardware_concurrency()))
        return best;
    if (!make_room()) {
        if (best) return best;
        return temporary("all " + std::to_string(working()) + " processes are busy (" + protocol_ +
                         "d_process_limit)");
    }
    if (!is_only_user && limit > 1) wanted.folders.clear();
    TRY(auto child, process().nursery()->start(wanted));
    auto owner = std::make_shared<OwnerProcess>(hosting_, std::move(wanted), std::move(child));
    owners_.push_back(owner);
    process().sessions().spawn(attend(owner));
    return owner;
}

Task<void> Broker::attend(Owner owner) {
    co_await owner->listen(settings_.process_idle_time());
    owners_.remove(owner);
    changed_.notify_all();
}

Task<Broker::Answer> Broker::open(ipc::Packet<ipc::OpenSession> packet) {
    ipc::OpenSession& session = packet.message;
    if (packet.fds.size() != 1) co_return permanent("no connection came with the session");
    const std::string who = protocol_ + "(" + session.user + "): ";
    auto user = co_await look_up(session.user);
    if (!user) {
        log_error(who + "cannot find the mailboxes: " + user.error().text);
        co_return refuse(kTryLater);
    }
    if (is_over_limit(session)) {
        auto refusal = refuse(
            "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=" +
            std::to_string(settings_.max_userip_connections()) + ")");
        refusal.message.is_over_limit = true;
        co_return refusal;
    }
    auto wanted = owner_of(*user);
    Result<Owner> owner = std::unexpected(Error());
    if (wanted) owner = process_for(*std::move(wanted));
    if (!wanted || !owner) {
        log_error(who + (wanted ? owner.error().text : wanted.error().text));
        co_return refuse(kTryLater);
    }
    auto counted = std::make_shared<Counted>(per_client_, client_key(session));
    session.mail = user->mail;
    session.home = user->home;
    session.settings = settings_.store.with(user->extra);
    auto reply = co_await (*owner)->open(hosting_, std::move(session),
                                         std::move(packet.fds.front()), std::move(counted));
    if (!reply) co_return refuse(kTryLater);
    ipc::Packet<ipc::OpenSessionReply> answer(*std::move(reply));
    co_return answer;
}

}  // namespace facteur::login
