#include "authd/authd.h"

#include <fmt/format.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/daemon/settings.h"

namespace facteur::authd {
namespace {

using daemon::Owner;

constexpr std::size_t kTicketKeySize = 80;

template <class T>
T or_die(Result<T> result) {
    if (!result) log_fatal(result.error().text);
    return *std::move(result);
}

std::unexpected<Error> not_allowed(std::string_view what, const ipc::Peer& peer) {
    std::string text =
        fmt::format("uid {} (process {}) may not ask for {}", peer.uid, peer.pid, what);
    log_warning(text);
    return permanent(std::move(text));
}

}  // namespace

Authd::Authd(daemon::Process& process, const Settings& settings)
    : Service(process),
      settings_(settings),
      ticket_keys_(random_bytes(kTicketKeySize)),
      front_(process.settings(), {Owner::smtp, Owner::login}),
      readers_(process.settings(), {Owner::store, Owner::login, Owner::lookup}),
      verifier_(or_die(Verifier::create(settings))),
      directory_(or_die(Directory::create(settings, process.settings().store_owner(), *verifier_))),
      exchanges_(std::make_unique<Exchanges>(settings, *verifier_)) {
    // Without its certificate a service offers no TLS; mail must flow all the same.
    for (const auto& [service, files] :
         {std::pair("smtp", &settings_.smtpd_tls), std::pair("imap", &settings_.imapd_tls),
          std::pair("pop3", &settings_.pop3d_tls), std::pair("smtp-client", &settings_.smtp_tls),
          std::pair("lmtp-client", &settings_.lmtp_tls)}) {
        const auto loaded = keys_.load(service, *files);
        if (!loaded) log_error(fmt::format("TLS for {}: {}", service, loaded.error().text));
    }
    answer_questions();
}

Task<void> Authd::start() {
    verifier_->start_threads();
    directory_->start_threads();
    co_return;
}

Task<void> Authd::connection(Fd socket, const daemon::Listener&) {
    co_await server_.serve(process().sessions(), std::move(socket));
}

std::string Authd::status() const {
    return fmt::format("authenticating={}", exchanges_->active());
}

void Authd::answer_questions() {
    server_.on<ipc::SaslMechanisms>([this](auto packet, const ipc::Peer& peer) {
        return mechanisms(std::move(packet.message), peer);
    });
    server_.on<ipc::SaslStart>([this](auto packet, const ipc::Peer& peer) {
        return sasl_start(std::move(packet.message), peer);
    });
    server_.on<ipc::SaslStep>([this](auto packet, const ipc::Peer& peer) {
        return sasl_step(std::move(packet.message), peer);
    });
    server_.on<ipc::RecentLogin>([this](auto packet, const ipc::Peer& peer) {
        return recent_login(std::move(packet.message), peer);
    });
    server_.on<ipc::UserLookup>([this](auto packet, const ipc::Peer& peer) {
        return user(std::move(packet.message), peer);
    });
    server_.on<ipc::Certificates>([this](auto packet, const ipc::Peer& peer) {
        return certificates(std::move(packet.message), peer);
    });
    server_.on<ipc::Signature>([this](auto packet, const ipc::Peer& peer) {
        return sign(std::move(packet.message), peer);
    });
}

Authd::Answer<ipc::SaslMechanisms> Authd::mechanisms(ipc::SaslMechanisms, ipc::Peer) {
    ipc::SaslMechanismsReply reply;
    reply.names = exchanges_->mechanisms();
    co_return ipc::Packet(std::move(reply));
}

Authd::Answer<ipc::SaslStart> Authd::sasl_start(ipc::SaslStart request, ipc::Peer peer) {
    if (!front_.may(peer.uid)) co_return not_allowed("authentication", peer);
    auto reply = co_await exchanges_->start(process().sessions(), std::move(request));
    co_return ipc::Packet(std::move(reply));
}

Authd::Answer<ipc::SaslStep> Authd::sasl_step(ipc::SaslStep request, ipc::Peer peer) {
    if (!front_.may(peer.uid)) co_return not_allowed("authentication", peer);
    auto reply = co_await exchanges_->step(process().sessions(), std::move(request));
    co_return ipc::Packet(std::move(reply));
}

Authd::Answer<ipc::RecentLogin> Authd::recent_login(ipc::RecentLogin request, ipc::Peer peer) {
    if (!front_.may(peer.uid)) co_return not_allowed("logins", peer);
    ipc::RecentLoginReply reply;
    reply.recent = exchanges_->logins().knows(request.client_address);
    co_return ipc::Packet(std::move(reply));
}

Authd::Answer<ipc::UserLookup> Authd::user(ipc::UserLookup request, ipc::Peer peer) {
    if (!readers_.may(peer.uid)) co_return not_allowed("users", peer);
    std::string name = verifier_->normal_form(request.user);
    CO_TRY(auto reply, co_await directory_->find(std::move(name)));
    co_return ipc::Packet(std::move(reply));
}

Authd::Answer<ipc::Certificates> Authd::certificates(ipc::Certificates request, ipc::Peer peer) {
    if (!front_.may(peer.uid)) co_return not_allowed("certificates", peer);
    ipc::CertificatesReply reply;
    reply.chains = keys_.chains(request.service);
    reply.ticket_keys = ticket_keys_;
    co_return ipc::Packet(std::move(reply));
}

Authd::Answer<ipc::Signature> Authd::sign(ipc::Signature request, ipc::Peer peer) {
    if (!front_.may(peer.uid)) co_return not_allowed("signatures", peer);
    ipc::SignatureReply reply;
    CO_TRY(reply.signature, keys_.sign(request.key, request.scheme, request.content));
    co_return ipc::Packet(std::move(reply));
}

}  // namespace facteur::authd
