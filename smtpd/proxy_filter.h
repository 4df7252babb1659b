#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/checks/edits.h"
#include "lib/checks/inspect.h"
#include "lib/net/stream.h"
#include "lib/smtp/parameters.h"
#include "lib/smtp/reply.h"

namespace facteur::smtpd {

/// The SMTP server that takes a message before the client hears an answer (smtpd_proxy_filter).
/// An Error is never the server's own words: it could not be asked.
class ProxyFilter {
public:
    ProxyFilter(Scope& scope, Fd socket, Milliseconds timeout);

    /// Greeting and EHLO, then XFORWARD with what it wants to know: "NAME=…" and so on.
    Task<Result<void>> greet(std::string name, std::vector<std::string> attributes);
    /// MAIL with those parameters that it knows.
    Task<Result<smtp::Reply>> mail(std::string sender, smtp::MailParameters parameters);
    Task<Result<smtp::Reply>> recipient(std::string address, smtp::RcptParameters parameters);
    /// DATA, the content, and the answer to it.
    Task<Result<smtp::Reply>> content(checks::Source source);
    void quit();

private:
    bool offers(std::string_view keyword) const;
    bool takes_attribute(std::string_view name) const;
    Task<Result<smtp::Reply>> ask(std::string line);
    Task<Result<smtp::Reply>> read();
    Task<Result<void>> send(checks::Source source);

    Stream stream_;
    Milliseconds timeout_;
    std::vector<std::string> offered_;  ///< its answer to EHLO, a line each
};

}  // namespace facteur::smtpd
