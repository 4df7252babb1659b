#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/event/task.h"
#include "lib/event/timers.h"
#include "lib/ipc/ways/address.h"
#include "lib/ipc/ways/auth.h"
#include "lib/ipc/ways/flush.h"
#include "lib/ipc/ways/policy.h"
#include "lib/ipc/ways/queue.h"
#include "lib/net/address.h"
#include "smtpd/restriction.h"

namespace facteur {
class TlsServer;
}

namespace facteur::smtpd {

/// The name of a client, looked up both ways.
struct ClientName {
    std::string name = "unknown";     ///< verified: the name's addresses hold the client's
    std::string reverse = "unknown";  ///< what PTR says
    bool temporary = false;           ///< unknown because the DNS did not answer
    bool reverse_temporary = false;
};

/// What the DNS has for a list's question.
struct Listing {
    std::vector<std::string> addresses;  ///< empty: not listed
    std::string reason;                  ///< TXT
    std::uint32_t ttl = UINT32_MAX;      ///< seconds that the answer may be kept
};

/// A file of the queue's for one content.
struct ReservedFile {
    Fd file;
    std::uint64_t offset = 0;  ///< where the content begins
};

/// The other daemons and the DNS, as a session sees them.  Temporary Errors: nobody could say.
class Backend {
public:
    virtual ~Backend() = default;

    // addressd
    virtual Task<Result<ipc::Classification>> classify(std::string address) = 0;
    /// Asks ahead: classify() of the same address will soon follow.
    virtual void expect(std::string_view address) = 0;
    /// The right-hand side of an access table.
    virtual Task<Result<std::optional<std::string>>> access(ipc::Access question) = 0;
    /// The logins that may use a sender address; empty: nobody owns it.
    virtual Task<Result<std::vector<std::string>>> owners(std::string sender) = 0;
    /// The tables of a parameter.
    virtual Task<Result<std::optional<std::string>>> lookup(ipc::Lookup question) = 0;
    virtual Task<Result<bool>> matches(ipc::Match question) = 0;
    virtual Task<Result<ipc::LookupManyReply>> lookup_many(ipc::LookupMany question) = 0;
    virtual Task<Result<ipc::RewriteHeaderReply>> rewrite_header(ipc::RewriteHeader question) = 0;
    /// By which transport mail for an address goes.
    virtual Task<Result<ipc::Destination>> route(std::string sender, std::string address) = 0;
    /// Whom mail for an address goes to, through all aliases; itself when it is none.
    virtual Task<Result<std::vector<std::string>>> members(std::string address) = 0;

    // the DNS
    virtual Task<ClientName> client_name(Address client) = 0;
    /// The names in the MX or NS records of a domain, best first; empty: it has none.  A null MX
    /// (RFC 7505 section 3) is one empty name.
    virtual Task<Result<std::vector<std::string>>> servers(std::string domain, Servers kind) = 0;
    /// The addresses of a host, as they are logged; empty: it has none.
    virtual Task<Result<std::vector<std::string>>> addresses(std::string host) = 0;
    virtual Task<Result<Listing>> dns_list(std::string name) = 0;
    /// The same without the reason, and by then.
    virtual Task<Result<Listing>> listed_as(std::string name, TimePoint deadline) = 0;
    /// A connection to "inet:host:port" or "unix:path".
    virtual Task<Result<Fd>> connect(std::string place, TimePoint deadline) = 0;

    // policyd
    virtual Task<Result<ipc::PolicyReply>> ask(ipc::Ask question) = 0;
    /// How many sessions clients have in this process; gives the generation of policyd.
    virtual Task<Result<std::uint64_t>> tell(ipc::Sessions sessions) = 0;
    /// What a policy server wants done.
    virtual Task<Result<std::string>> delegate(ipc::Delegate question) = 0;
    /// Nobody writes to the content until the answer is there.
    virtual Task<Result<ipc::PolicyReply>> judge(ipc::Judge question, const Fd& content) = 0;

    /// Would mail for the address be taken?
    virtual Task<Result<ipc::VerifyReply>> verify(ipc::Verify question) = 0;
    /// What postscreen's tests said about a client.
    virtual Task<Result<ipc::ScreenRecord>> screened(std::string client_address) = 0;
    virtual void remember_screened(ipc::ScreenRecord record) = 0;

    // authd
    virtual Task<Result<std::vector<std::string>>> sasl_mechanisms() = 0;
    virtual Task<Result<ipc::SaslReply>> sasl(ipc::SaslStart question) = 0;
    virtual Task<Result<ipc::SaslReply>> sasl(ipc::SaslStep question) = 0;
    /// Whether somebody logged in from this address over IMAP or POP3 lately.
    virtual Task<Result<bool>> reads_mail(std::string client_address) = 0;
    /// The client gave up in the middle.
    virtual void sasl_abort(std::uint64_t exchange) = 0;
    /// nullptr: no certificate could be had.
    virtual Task<TlsServer*> tls() = 0;

    // qmgr
    /// Does the queue take new mail?  Nothing: it cannot be asked now, which says nothing.
    virtual Task<std::optional<ipc::RoomReply>> room() = 0;
    /// A file for a content that is larger than the journal takes.
    virtual Task<Result<ReservedFile>> reserve(std::string queue_id) = 0;
    /// The message will not come after all.
    virtual void abandon(std::string queue_id) = 0;
    /// What waits for a destination is tried at once.
    virtual Task<Result<void>> flush(ipc::FlushDestination order) = 0;
    /// Success: it is on the disk.  Repeats itself over a restart of the queue.  `content` is empty
    /// when it is in the file that reserve() gave.
    virtual Task<Result<void>> submit(ipc::Submit message, Fd content) = 0;
};

}  // namespace facteur::smtpd
