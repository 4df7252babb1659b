#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "smtpd/backend.h"
#include "smtpd/server.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"

namespace facteur::smtpd::testing {

/// A message as qmgr would have got it.
struct Taken {
    ipc::Submit message;
    std::string content;
    bool sealed = false;
    bool reserved = false;
};

/// The other daemons in miniature.  "here.test" is local, with user, anna and postmaster;
/// "relay.test" is relayed to; "slow.test" cannot be looked up.
class FakeBackend : public Backend {
public:
    Task<Result<ipc::Classification>> classify(std::string address) override;
    void expect(std::string_view address) override { expected.emplace_back(address); }
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
    Task<Result<ipc::VerifyReply>> verify(ipc::Verify question) override;
    Task<Result<ipc::ScreenRecord>> screened(std::string client_address) override;
    void remember_screened(ipc::ScreenRecord record) override {
        known[record.client_address] = record;
    }
    Task<Result<Fd>> connect(std::string place, TimePoint deadline) override;
    Task<Result<ipc::PolicyReply>> ask(ipc::Ask question) override;
    Task<Result<std::uint64_t>> tell(ipc::Sessions sessions) override;
    Task<Result<std::string>> delegate(ipc::Delegate question) override;
    Task<Result<ipc::PolicyReply>> judge(ipc::Judge question, const Fd& content) override;
    Task<Result<std::vector<std::string>>> sasl_mechanisms() override;
    Task<Result<ipc::SaslReply>> sasl(ipc::SaslStart question) override;
    Task<Result<ipc::SaslReply>> sasl(ipc::SaslStep question) override;
    Task<Result<bool>> reads_mail(std::string client_address) override;
    void sasl_abort(std::uint64_t exchange) override { aborted.push_back(exchange); }
    Task<TlsServer*> tls() override;
    Task<std::optional<ipc::RoomReply>> room() override;
    Task<Result<ReservedFile>> reserve(std::string queue_id) override;
    void abandon(std::string queue_id) override { abandoned.push_back(queue_id); }
    Task<Result<void>> flush(ipc::FlushDestination order) override;
    Task<Result<void>> submit(ipc::Submit message, Fd content) override;

    std::map<std::string, std::string> access_table;  ///< "key" -> action
    std::map<std::string, Fd> filters;                ///< "inet:…" -> the one connection to it
    std::map<std::string, std::vector<std::string>> sender_owners;
    std::map<std::string, Listing> listings;
    std::map<std::string, std::vector<std::string>> exchangers, name_servers, hosts;
    std::map<std::string, ipc::ScreenRecord> known;
    std::map<std::string, ipc::VerifyReply> verified;
    std::vector<ipc::Verify> to_verify;
    std::vector<std::string> readers;  ///< addresses with a login
    std::map<ipc::PolicyMoment, ipc::PolicyReply> policies;
    std::map<std::string, std::string> policy_servers;  ///< "inet:…" -> action
    std::vector<ipc::Delegate> delegated;
    std::vector<ipc::Ask> questions;
    std::vector<ipc::Sessions> told;
    std::uint64_t generation = 1;
    ipc::PolicyReply judgement;
    ClientName client;
    std::optional<ipc::RoomReply> room_left;
    std::optional<Error> submit_error;
    std::optional<Error> reserve_error;
    TlsServer* tls_server = nullptr;

    std::vector<std::string> expected;
    std::vector<std::string> asked;  ///< addresses that were classified
    std::vector<std::uint64_t> aborted;
    std::vector<std::string> abandoned;
    std::vector<Taken> taken;
    std::vector<ipc::FlushDestination> flushed;

private:
    Fd reserved_;
};

std::string read_all(int fd, std::uint64_t offset = 0);

/// One client at a Session of its own, over TCP on loopback with the real loop.
class Fixture {
public:
    /// main_cf stands behind a few settings that make the client a stranger.
    explicit Fixture(const std::string& main_cf = {});
    ~Fixture();

    void connect();
    void send(std::string_view bytes);
    /// Until a whole reply is here, or the server hung up; "" then.
    std::string reply();
    /// The next line, be it part of a reply.
    std::string reply_line();
    /// send() a line and wait for the reply.
    std::string say(std::string_view line);
    /// Says each line (without CR LF), gives the last reply.
    std::string dialogue(const std::vector<std::string>& lines);
    /// EHLO, MAIL, RCPT, DATA, content as it goes over the wire, then the reply.
    std::string mail(std::string_view wire);
    void hang_up();
    /// The session has ended; what it said at last.
    std::string farewell();
    bool ended() const { return ended_; }
    void run_until(const std::function<bool()>& done);

    Loop loop;
    Settings settings;
    FakeBackend backend;
    std::unique_ptr<Scope> scope;
    std::unique_ptr<Server> server;

private:
    Task<void> serve(Fd socket);
    bool receive();
    bool whole_reply(std::size_t& size) const;

    Fd client_;
    std::string input_;
    bool closed_ = false;
    bool ended_ = false;
};

}  // namespace facteur::smtpd::testing
