#pragma once

#include <cstddef>
#include <string>

#include "lib/event/scope.h"
#include "lib/event/task.h"
#include "lib/ipc/client.h"
#include "lib/ipc/ways/tls_report.h"
#include "lib/net/dns/resolver.h"
#include "lib/net/https.h"
#include "smtp-client/conversation.h"

namespace facteur::smtp_client {

/// Tells policyd how TLS with the servers of domains went that want to hear of it (RFC 8460), and
/// posts the reports that policyd has for web servers.
class TlsReporter {
public:
    /// Posts `body` to https://…; an Error when the server did not take it.
    using Post = std::function<Task<Result<void>>(std::string url, std::string body)>;

    TlsReporter(Scope& scope, dns::Resolver& resolver, ipc::Client& policyd, bool skip_reused,
                Post post);
    /// Begins to ask policyd for reports to be posted.
    void start();

    /// A connection to a server of the domain was opened; trouble: it was not.
    void opened(const std::string& domain, const Conversation& conversation,
                const Trouble* trouble);
    /// It did not come to a connection: what the domain published forbids this server, or could
    /// not be had.
    void forbidden(const std::string& domain, const TlsPolicy& policy, const Target& target,
                   const Error& error);

private:
    void tell(ipc::TlsResult result);
    Task<void> tell_policyd(ipc::TlsResult result);
    Task<void> post_reports();

    dns::Resolver& resolver_;
    ipc::Client& policyd_;
    const bool skip_reused_;
    const Post post_;
    std::size_t waiting_ = 0;
    Scope running_;  ///< last: its tasks use all of the above
};

/// RFC 8460 section 4.3, from OpenSSL's verdict.
std::string failure_type(const TlsInfo& info, bool dane);

/// What a report says of the policy; `domain`: whose.
ipc::TlsResult policy_result(const std::string& domain, const TlsPolicy& policy,
                             const Target& target);

}  // namespace facteur::smtp_client
