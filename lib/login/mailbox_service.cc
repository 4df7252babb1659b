#include "lib/login/mailbox_service.h"

#include <linux/capability.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/event/errors.h"

namespace facteur::login {

namespace {

std::string client_key(const ipc::OpenSession& session) {
    return session.user + '\0' + session.remote;
}

ipc::Packet<ipc::OpenSessionReply> refuse(std::string reason) {
    ipc::OpenSessionReply reply;
    reply.reason = std::move(reason);
    return ipc::Packet<ipc::OpenSessionReply>(std::move(reply));
}

}  // namespace

sandbox::Privileges mailbox_privileges() {
    sandbox::Privileges privileges;
    privileges.writable = {"$mail_home", "$mail_location", "$mail_directories"};
    privileges.capabilities = {CAP_SETUID, CAP_SETGID};
    return privileges;
}

MailboxService::MailboxService(daemon::Process& process, std::string protocol,
                               const MailboxSettings& settings, const conf::Common& common)
    : Service(process),
      protocol_(std::move(protocol)),
      settings_(settings),
      common_(common),
      authd_(process.scope(), "private/auth"),
      ways_(process.sessions()) {
    server_.on<ipc::OpenSession>([this](ipc::Packet<ipc::OpenSession> packet, const ipc::Peer&) {
        return open(std::move(packet));
    });
}

Task<void> MailboxService::connection(Fd socket, const daemon::Listener&) {
    co_await server_.serve(ways_, std::move(socket));
}

/// The login stages go to our successor with their next session; ours go on here.
Task<void> MailboxService::drain() {
    ways_.cancel();
    co_return;
}

std::string MailboxService::status() const {
    return "sessions=" + std::to_string(sessions_);
}

bool MailboxService::is_over_limit(const ipc::OpenSession& session) const {
    int limit = settings_.max_userip_connections();
    auto found = per_client_.find(client_key(session));
    return limit != 0 && found != per_client_.end() && found->second >= limit;
}

Task<Result<MailboxService::SharedStore>> MailboxService::store_of(std::string user) {
    if (SharedStore known = stores_[user].lock()) co_return known;
    ipc::UserLookup lookup;
    lookup.user = user;
    lookup.service = protocol_;
    auto answer = co_await authd_.call(std::move(lookup));
    if (!answer) co_return std::unexpected(answer.error());
    if (!answer->message.found) co_return temporary("user " + user + " has no mailbox");
    store::Options options;
    options.hostname = common_.myhostname();
    // Files are touched as their owner when master.cf left us the power to (unpriv = n).
    const ipc::UserReply& owner = answer->message;
    options.owner = store::Owner{owner.uid, owner.gid};
    if (owner.uid == 0 && ::geteuid() != 0) co_return permanent("root's mail is not served");
    auto opened = co_await store::open_store(answer->message.mail, options, process().workers());
    if (!opened) co_return std::unexpected(opened.error());
    if (SharedStore known = stores_[user].lock()) co_return known;  // another session was faster
    SharedStore shared = *std::move(opened);
    std::erase_if(stores_, [](const auto& entry) { return entry.second.expired(); });
    stores_[user] = shared;
    co_return shared;
}

Task<MailboxService::Answer> MailboxService::open(ipc::Packet<ipc::OpenSession> packet) {
    ipc::OpenSession& session = packet.message;
    if (packet.fds.size() != 1) co_return permanent("no connection came with the session");
    if (is_full()) co_return refuse("Too many sessions, try again later.");
    if (is_over_limit(session)) {
        auto refusal = refuse(
            "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=" +
            std::to_string(settings_.max_userip_connections()) + ")");
        refusal.message.is_over_limit = true;
        co_return refusal;
    }
    auto store = co_await store_of(session.user);
    if (!store) {
        log_error(protocol_ + "(" + session.user +
                  "): cannot open the mailboxes: " + store.error().text);
        co_return refuse("Internal error, try again later.");
    }
    process().sessions().spawn(
        run(std::move(session), std::move(packet.fds.front()), *std::move(store)));
    ipc::OpenSessionReply reply;
    reply.accepted = true;
    reply.pid = static_cast<std::uint32_t>(::getpid());
    ipc::Packet<ipc::OpenSessionReply> answer(std::move(reply));
    co_return answer;
}

/// One session in the counts, whatever ends it.
class MailboxService::Presence {
public:
    Presence(MailboxService& service, std::string key) : service_(service), key_(std::move(key)) {
        ++service_.sessions_;
        ++service_.per_client_[key_];
    }
    ~Presence() {
        --service_.sessions_;
        if (--service_.per_client_[key_] == 0) service_.per_client_.erase(key_);
    }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;

private:
    MailboxService& service_;
    std::string key_;
};

Task<void> MailboxService::run(ipc::OpenSession session, Fd socket, SharedStore store) {
    Presence presence(*this, client_key(session));
    Ending ending;
    {
        Scope scope(process().sessions());
        Stream stream(scope, std::move(socket));
        stream.unread(session.input);
        session.input = std::string();
        ending = co_await converse(stream, *store, session);
    }
    store.reset();
    log_info(protocol_ + "(" + session.user + ")<" + std::to_string(::getpid()) + "><" +
             session.session_id + ">: Disconnected: " + ending.why + " " + ending.detail);
}

}  // namespace facteur::login
