#include "policyd/policyd.h"

#include <chrono>

#include <sys/socket.h>

#include "lib/base/log.h"
#include "lib/event/loop.h"
#include "lib/ipc/ways/delivery.h"
#include "lib/ipc/ways/queue.h"
#include "lib/smtp/domain.h"

namespace facteur::policyd {

namespace {

/// A probe that takes longer has failed.
constexpr Seconds kProbeBudget{600};

/// For names of policy servers.
std::unique_ptr<dns::Resolver> make_resolver(const Settings& settings) {
    dns::Options options;
    options.servers = settings.dns.servers();
    options.timeout = settings.dns.timeout();
    options.tries = settings.dns.tries();
    options.cache_entries = static_cast<std::size_t>(settings.dns.cache());
    auto resolver = dns::make_resolver(options);
    if (!resolver) log_fatal("name service: " + resolver.error().text);
    return *std::move(resolver);
}

}  // namespace

Policyd::Policyd(daemon::Process& daemon_process, const Settings& settings)
    : Service(daemon_process),
      settings_(settings),
      resolver_(make_resolver(settings)),
      delegation_(daemon_process.scope(), *resolver_,
                  {settings.policy_servers.begin(), settings.policy_servers.end()},
                  static_cast<std::size_t>(settings.policy_connections())),
      cleaning_(daemon_process.scope(), *resolver_, settings),
      memory_(daemon_process.workers(), "policy",
              static_cast<std::size_t>(settings.memory_limit())),
      generation_(
          static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count())),
      qmgr_(daemon_process.scope(), "private/queue", kProbeBudget),
      verified_(daemon_process.scope(), settings,
                [this](std::string sender, std::string recipient) {
                    return probe(std::move(sender), std::move(recipient));
                }),
      tls_reports_(daemon_process.scope(), memory_, qmgr_, settings) {
    using ipc::Packet;
    using ipc::Peer;
    auto rates = std::make_unique<Rates>(settings);
    census_ = &rates->census();
    checks_.push_back(std::move(rates));
    server_.on<ipc::Sessions>([this](Packet<ipc::Sessions> told, const Peer& peer) {
        return sessions(std::move(told.message), peer.pid);
    });
    answer_memory();
    answer_tls_reports();
    server_.on<ipc::PolicyInterests>(
        [this](Packet<ipc::PolicyInterests>, const Peer&) { return interests(); });
    server_.on<ipc::Ask>([this](Packet<ipc::Ask> question, const Peer& peer) {
        return ask(std::move(question.message), peer.pid);
    });
    server_.on<ipc::Delegate>([this](Packet<ipc::Delegate> question, const Peer&) {
        return delegate(std::move(question.message));
    });
    server_.on<ipc::Verify>([this](Packet<ipc::Verify> question, const Peer&) {
        return verify(std::move(question.message));
    });
    server_.on<ipc::ScreenQuestion>([this](Packet<ipc::ScreenQuestion> question, const Peer&) {
        return screened(std::move(question.message));
    });
    server_.on<ipc::ScreenRecord>([this](Packet<ipc::ScreenRecord> record, const Peer&) {
        return screened(std::move(record.message));
    });
    server_.on<ipc::Clean>(
        [this](Packet<ipc::Clean> question, const Peer&) { return clean(std::move(question)); });
    server_.on<ipc::Judge>(
        [this](Packet<ipc::Judge> question, const Peer&) { return judge(std::move(question)); });
}

/// The files are opened here, as the user that owns them.
Task<void> Policyd::start() {
    screened_.open(settings_.screen_map());
    process().scope().spawn(screened_.clean(process().scope(), settings_.screen_cleanup(),
                                            settings_.screen_retention()));
    verified_.open(settings_.verify.map());
    process().scope().spawn(verified_.clean(process().scope(), settings_.verify.cleanup()));
    tls_reports_.start();
    co_return;
}

Task<void> Policyd::drain() {
    co_await tls_reports_.flush();
}

namespace {

std::int64_t wall_seconds() {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

void Policyd::answer_tls_reports() {
    using ipc::Packet;
    using ipc::Peer;
    server_.on<ipc::TlsResult>([this](Packet<ipc::TlsResult> told, const Peer&) {
        tls_reports_.count(told.message);
        return nothing();
    });
    server_.on<ipc::TlsUpload>([this](Packet<ipc::TlsUpload>, const Peer&) { return upload(); });
    server_.on<ipc::TlsUploaded>([this](Packet<ipc::TlsUploaded> told, const Peer&) {
        return uploaded(std::move(told.message));
    });
}

Task<Result<ipc::Packet<ipc::Nothing>>> Policyd::nothing() {
    co_return ipc::Packet<ipc::Nothing>();
}

Task<Result<ipc::Packet<ipc::TlsUploadReply>>> Policyd::upload() {
    CO_TRY(ipc::TlsUploadReply reply, co_await tls_reports_.upload(wall_seconds()));
    co_return ipc::Packet<ipc::TlsUploadReply>(std::move(reply));
}

Task<Result<ipc::Packet<ipc::Nothing>>> Policyd::uploaded(ipc::TlsUploaded told) {
    co_await tls_reports_.uploaded(std::move(told), wall_seconds());
    co_return ipc::Packet<ipc::Nothing>();
}

/// As far as qmgr and its agents come without a message.
Task<Result<Verdict>> Policyd::probe(std::string sender, std::string recipient) {
    ipc::Probe question;
    question.sender = std::move(sender);
    question.smtputf8 = !smtp::is_ascii(recipient);
    question.recipient = std::move(recipient);
    CO_TRY(auto answer, co_await qmgr_.call(std::move(question)));
    Verdict verdict;
    switch (static_cast<ipc::Outcome>(answer.message.outcome)) {
        case ipc::Outcome::delivered:
            verdict.status = ipc::Deliverable::yes;
            break;
        case ipc::Outcome::failed:
            verdict.status = ipc::Deliverable::no;
            break;
        default:
            verdict.status = ipc::Deliverable::later;
            break;
    }
    verdict.text = std::move(answer.message.text);
    co_return verdict;
}

Task<Result<ipc::Packet<ipc::VerifyReply>>> Policyd::verify(ipc::Verify question) {
    const TimePoint deadline = Loop::current().now() + Milliseconds(question.patience);
    Verdict verdict = co_await verified_.find(std::move(question.address), deadline);
    ipc::VerifyReply reply;
    reply.status = verdict.status;
    reply.text = std::move(verdict.text);
    co_return ipc::Packet<ipc::VerifyReply>(std::move(reply));
}

Task<void> Policyd::connection(Fd socket, const daemon::Listener&) {
    ucred peer{};
    socklen_t size = sizeof peer;
    getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
    ++connections_[peer.pid];
    co_await server_.serve(process().sessions(), std::move(socket));
    if (--connections_[peer.pid] > 0) co_return;
    // What it had from its clients ended with it.
    connections_.erase(peer.pid);
    census_->forget(peer.pid);
}

void Policyd::answer_memory() {
    using ipc::Packet;
    using ipc::Peer;
    server_.on<ipc::Remember>([this](Packet<ipc::Remember> wish, const Peer&) {
        return remember(std::move(wish.message));
    });
    server_.on<ipc::Forget>(
        [this](Packet<ipc::Forget> wish, const Peer&) { return forget(std::move(wish.message)); });
    server_.on<ipc::Recall>(
        [this](Packet<ipc::Recall> wish, const Peer&) { return recall(std::move(wish.message)); });
}

Task<Result<ipc::Packet<ipc::Nothing>>> Policyd::remember(ipc::Remember wish) {
    CO_TRY_VOID(co_await memory_.remember(std::move(wish)));
    co_return ipc::Packet<ipc::Nothing>();
}

Task<Result<ipc::Packet<ipc::Nothing>>> Policyd::forget(ipc::Forget wish) {
    CO_TRY_VOID(co_await memory_.forget(std::move(wish)));
    co_return ipc::Packet<ipc::Nothing>();
}

Task<Result<ipc::Packet<ipc::RecallReply>>> Policyd::recall(ipc::Recall wish) {
    CO_TRY(auto reply, co_await memory_.recall(std::move(wish)));
    co_return ipc::Packet<ipc::RecallReply>(std::move(reply));
}

std::string Policyd::status() const {
    return "asked=" + std::to_string(asked_) + " refused=" + std::to_string(refused_);
}

Task<Result<ipc::Packet<ipc::SessionsReply>>> Policyd::sessions(ipc::Sessions told,
                                                                std::int32_t process) {
    for (const ipc::ClientSessions& client : told.clients)
        census_->set(told.service + "/" + client.client_key, process, client.connections);
    ipc::SessionsReply reply;
    reply.generation = generation_;
    co_return ipc::Packet<ipc::SessionsReply>(std::move(reply));
}

Task<Result<ipc::Packet<ipc::PolicyInterestsReply>>> Policyd::interests() {
    ipc::PolicyInterestsReply all;
    for (const auto& check : checks_) {
        const ipc::PolicyInterestsReply one = check->interests();
        all.moments |= one.moments;
        all.content = all.content || one.content;
    }
    co_return ipc::Packet<ipc::PolicyInterestsReply>(all);
}

Policyd::Reply Policyd::ask(ipc::Ask question, std::int32_t process) {
    ++asked_;
    ipc::PolicyReply accepted;
    for (const auto& check : checks_) {
        auto reply = co_await check->ask(question, process);
        if (!reply) continue;
        if (reply->verdict != ipc::Verdict::accept) {
            ++refused_;
            co_return ipc::Packet<ipc::PolicyReply>(*std::move(reply));
        }
        for (std::string& header : reply->headers)
            accepted.headers.push_back(std::move(header));
    }
    co_return ipc::Packet<ipc::PolicyReply>(std::move(accepted));
}

Task<Result<ipc::Packet<ipc::DelegateReply>>> Policyd::delegate(ipc::Delegate question) {
    ++asked_;
    co_return co_await delegation_.ask(std::move(question));
}

Task<Result<ipc::Packet<ipc::ScreenRecord>>> Policyd::screened(ipc::ScreenQuestion question) {
    CO_TRY(ipc::ScreenRecord record, screened_.find(question.client_address));
    co_return ipc::Packet<ipc::ScreenRecord>(std::move(record));
}

Task<Result<ipc::Packet<ipc::ScreenRecord>>> Policyd::screened(ipc::ScreenRecord record) {
    CO_TRY_VOID(screened_.keep(record));
    co_return ipc::Packet<ipc::ScreenRecord>(std::move(record));
}

Task<Result<ipc::Packet<ipc::Cleaned>>> Policyd::clean(ipc::Packet<ipc::Clean> question) {
    ++asked_;
    if (question.fds.size() != 1) co_return temporary("clean comes with one descriptor");
    const Fd content = std::move(question.fds.front());
    CO_TRY(ipc::Cleaned reply, co_await cleaning_.clean(std::move(question.message), content));
    co_return ipc::Packet<ipc::Cleaned>(std::move(reply));
}

Policyd::Reply Policyd::judge(ipc::Packet<ipc::Judge> question) {
    ++asked_;
    if (question.fds.size() != 1) co_return temporary("judge comes with one descriptor");
    ipc::PolicyReply accepted;
    for (const auto& check : checks_) {
        auto reply = co_await check->judge(question.message, question.fds.front());
        if (!reply) continue;
        if (reply->verdict != ipc::Verdict::accept) {
            ++refused_;
            co_return ipc::Packet<ipc::PolicyReply>(*std::move(reply));
        }
        for (std::string& header : reply->headers)
            accepted.headers.push_back(std::move(header));
    }
    co_return ipc::Packet<ipc::PolicyReply>(std::move(accepted));
}

}  // namespace facteur::policyd
