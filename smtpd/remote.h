#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/ipc/client.h"
#include "lib/login/authd_tls.h"
#include "lib/net/dns/filtered_resolver.h"
#include "smtpd/address_cache.h"
#include "smtpd/backend.h"
#include "smtpd/settings.h"

namespace facteur::smtpd {

/// The Backend of production: the other daemons' sockets and the name service.
class Remote : public Backend {
public:
    /// Tasks that outlive their session (questions ahead) run in `scope`.
    /// authorities: of client certificates, in PEM.
    Remote(Scope& scope, const Settings& settings, std::unique_ptr<dns::Resolver> resolver,
           std::string authorities = {});

    Task<Result<ipc::Classification>> classify(std::string address) override;
    void expect(std::string_view address) override;
    Task<Result<std::optional<std::string>>> access(ipc::Access question) override;
    Task<Result<std::vector<std::string>>> owners(std::string sender) override;
    Task<Result<std::optional<std::string>>> lookup(ipc::Lookup question) override;
    Task<Result<bool>> matches(ipc::Match question) override;
    Task<Result<ipc::LookupManyReply>> lookup_many(ipc::LookupMany question) override;
    Task<Result<ipc::RewriteHeaderReply>> rewrite_header(ipc::RewriteHeader question) override;
    Task<Result<ipc::Destination>> route(std::string sender, std::string address) override;
    Task<Result<std::vector<std::string>>> members(std::string address) override;

    Task<ClientName> client_name(Address client) override;
    Task<Result<std::vector<std::string>>> servers(std::string domain, Servers kind) override;
    Task<Result<std::vector<std::string>>> addresses(std::string host) override;
    Task<Result<Listing>> dns_list(std::string name) override;
    Task<Result<Listing>> listed_as(std::string name, TimePoint deadline) override;
    Task<Result<Fd>> connect(std::string place, TimePoint deadline) override;

    Task<Result<ipc::PolicyReply>> ask(ipc::Ask question) override;
    Task<Result<std::uint64_t>> tell(ipc::Sessions sessions) override;
    Task<Result<std::string>> delegate(ipc::Delegate question) override;
    Task<Result<ipc::PolicyReply>> judge(ipc::Judge question, const Fd& content) override;
    Task<Result<ipc::VerifyReply>> verify(ipc::Verify question) override;
    Task<Result<ipc::ScreenRecord>> screened(std::string client_address) override;
    void remember_screened(ipc::ScreenRecord record) override;

    Task<Result<std::vector<std::string>>> sasl_mechanisms() override;
    Task<Result<ipc::SaslReply>> sasl(ipc::SaslStart question) override;
    Task<Result<ipc::SaslReply>> sasl(ipc::SaslStep question) override;
    Task<Result<bool>> reads_mail(std::string client_address) override;
    void sasl_abort(std::uint64_t exchange) override;
    Task<TlsServer*> tls() override;

    Task<Result<ReservedFile>> reserve(std::string queue_id) override;
    void abandon(std::string queue_id) override;
    Task<Result<void>> flush(ipc::FlushDestination order) override;
    Task<std::optional<ipc::RoomReply>> room() override;
    Task<Result<void>> submit(ipc::Submit message, Fd content) override;

private:
    /// What smtpd_dns_reply_filter leaves of it.
    dns::Resolver& names();
    Task<Result<void>> add_members(std::vector<std::string>& members, std::string address);
    Task<void> learn_interests();
    Task<void> send_abort(std::uint64_t exchange);
    Task<void> send_abandon(std::string queue_id);
    Task<void> send_record(ipc::ScreenRecord record);

    Scope& scope_;
    const Settings& settings_;
    std::unique_ptr<dns::Resolver> resolver_;
    dns::FilteredResolver filtered_;
    ipc::Client addressd_;
    ipc::Client policyd_;
    ipc::Client servers_;  ///< policyd too, which takes its time over them
    ipc::Client authd_;
    ipc::Client qmgr_;
    ipc::Client rooms_;  ///< qmgr too, which is not waited for
    std::optional<ipc::RoomReply> room_;
    TimePoint room_until_{};
    AddressCache addresses_;
    login::AuthdTls tls_;
    std::vector<std::string> mechanisms_;                 ///< once they are known
    std::optional<ipc::PolicyInterestsReply> interests_;  ///< likewise
};

}  // namespace facteur::smtpd
