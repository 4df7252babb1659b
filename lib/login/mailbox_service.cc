#include "lib/login/mailbox_service.h"

#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"

namespace facteur::login {

MailboxService::MailboxService(daemon::Process& process, std::string protocol,
                               store::Options options, Converse converse, Fd way)
    : Service(process),
      protocol_(std::move(protocol)),
      options_(std::move(options)),
      converse_(std::move(converse)),
      broker_(process.scope(), std::move(way)) {}

Task<void> MailboxService::start() {
    process().scope().spawn(take_sessions());
    co_return;
}

/// Nothing listens here: sessions come from the Broker alone.
Task<void> MailboxService::connection(Fd, const daemon::Listener&) {
    co_return;
}

/// Until the Broker is gone; then this process is told to end on its control socket.
Task<void> MailboxService::take_sessions() {
    for (;;) {
        ipc::Frame frame = co_await broker_.receive();
        co_await admit(std::move(frame));
    }
}

void MailboxService::answer(std::uint64_t number, const ipc::OpenSessionReply& reply) {
    broker_.put(ipc::OpenSessionReply::kName, number, ipc::encode(reply));
}

Task<void> MailboxService::admit(ipc::Frame frame) {
    ipc::OpenSessionReply reply;
    auto session = ipc::decode<ipc::OpenSession>(frame.body);
    if (!session || frame.fds.size() != 1) {
        reply.reason = "Internal error, try again later.";
        answer(frame.id, reply);
        co_return;
    }
    auto store = co_await store_of(*session);
    if (!store) {
        log_error(protocol_ + "(" + session->user +
                  "): cannot open the mailboxes: " + store.error().text);
        reply.reason = "Internal error, try again later.";
        answer(frame.id, reply);
        co_return;
    }
    reply.accepted = true;
    reply.pid = static_cast<std::uint32_t>(::getpid());
    answer(frame.id, reply);
    process().sessions().spawn(
        run(frame.id, *std::move(session), std::move(frame.fds.front()), *std::move(store)));
}

Task<Result<MailboxService::SharedStore>> MailboxService::store_of(
    const ipc::OpenSession& session) {
    // Another quota, another Store: the user's entry may have changed.
    std::string key = session.user;
    key += '\0' + session.mail + '\0' + join(session.settings, "\n");
    if (SharedStore known = stores_[key].lock()) co_return known;
    store::Options options = options_;
    options.user = session.user;
    options.home = session.home;
    options.settings = session.settings;
    auto opened = co_await store::open_store(session.mail, std::move(options), process().workers());
    if (!opened) co_return std::unexpected(opened.error());
    SharedStore shared = *std::move(opened);
    std::erase_if(stores_, [](const auto& entry) { return entry.second.expired(); });
    stores_[key] = shared;
    co_return shared;
}

Task<void> MailboxService::run(std::uint64_t number, ipc::OpenSession session, Fd socket,
                               SharedStore store) {
    Ending ending;
    {
        Scope scope(process().sessions());
        Stream stream(scope, std::move(socket));
        stream.unread(session.input);
        session.input = std::string();
        ending = co_await converse_(process(), stream, *store, session);
    }
    store.reset();
    log_info(protocol_ + "(" + session.user + ")<" + std::to_string(::getpid()) + "><" +
             session.session_id + ">: Disconnected: " + ending.why + " " + ending.detail);
    broker_.put(ipc::kSessionEnded, number, std::string_view());
}

}  // namespace facteur::login
