#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/net/stream.h"
#include "lib/smtp/reply.h"
#include "lmtp-local/deliverer.h"
#include "lmtp-local/settings.h"

namespace facteur::lmtp_local {

/// One LMTP conversation (RFC 2033): another MTA hands us mail for our users, and hears for each
/// of them what became of it, once it is on disk.
class LmtpSession {
public:
    LmtpSession(Stream& stream, Deliverer& deliverer, const Settings& settings);
    /// Never throws.
    Task<void> run();

private:
    enum Have : unsigned { nothing = 0, hello = 1, mail = 2, rcpt = 4, chunks = 8 };
    struct Verb {
        std::string_view name;
        unsigned needs;
        Task<smtp::Reply> (LmtpSession::*handler)(std::string arguments);
    };
    static const Verb kVerbs[];

    Task<void> converse();
    Task<smtp::Reply> command(std::string line);
    Task<smtp::Reply> do_lhlo(std::string arguments);
    Task<smtp::Reply> do_mail(std::string arguments);
    Task<smtp::Reply> do_rcpt(std::string arguments);
    Task<smtp::Reply> do_data(std::string arguments);
    Task<smtp::Reply> do_bdat(std::string arguments);
    Task<smtp::Reply> do_rset(std::string arguments);
    Task<smtp::Reply> do_noop(std::string arguments);
    Task<smtp::Reply> do_vrfy(std::string arguments);
    Task<smtp::Reply> do_quit(std::string arguments);

    Task<Result<void>> receive_data();
    Result<void> keep(std::string_view block);
    /// A reply for each recipient that RCPT accepted; the last one is returned.
    Task<smtp::Reply> deliver();
    smtp::Reply for_all(const smtp::Reply& reply);
    std::string received_field(const std::string& recipient) const;
    void reset();

    Stream& stream_;
    Deliverer& deliverer_;
    const Settings& settings_;
    unsigned have_ = nothing;
    bool quit_ = false;
    int errors_ = 0;
    std::string client_;
    Mail mail_;
    std::vector<std::string> recipients_;
    bool too_large_ = false;
};

}  // namespace facteur::lmtp_local
