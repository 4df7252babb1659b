// Postfix's XCLIENT_README and XFORWARD_README: whom a trusted proxy speaks for.
#include "lib/base/log.h"
#include "smtpd/proxy_attributes.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

Task<Reply> Session::do_xclient(std::string arguments) {
    if (!may_xclient_) co_return Reply{550, "5.7.0", "Error: insufficient authorization"};
    if (transaction_) co_return Reply{503, "5.5.1", "Error: MAIL transaction in progress"};
    if (arguments.empty()) co_return Reply{501, "5.5.4", "Syntax: XCLIENT attribute=value..."};
    Client other = client_;
    const Result<void> applied = apply_xclient(other, arguments);
    if (!applied) co_return Reply{501, applied.error().status, applied.error().text};
    co_await become(std::move(other));
    std::optional<Reply> refusal = co_await refuse_client();
    if (refusal) co_return *std::move(refusal);
    co_return Reply{220, "", settings_.banner()};
}

/// As if that client had just connected.
Task<void> Session::become(Client other) {
    if (connections_ > 0) {
        const std::uint32_t left = server_.counts.leave(client_.key);
        server_.scope.spawn(server_.tell_sessions(client_.key, left));
        connections_ = 0;
    }
    client_ = std::move(other);
    client_.ip = client_.address.ip();
    client_.key =
        client_key(client_.address, settings_.limits.ipv4_prefix(), settings_.limits.ipv6_prefix());
    client_.in_inet_interfaces =
        client_.address.is_loopback() || client_.address.bytes() == client_.server.bytes();
    client_.in_mynetworks = co_await server_.mynetworks.holds(server_.backend, client_);
    // What the proxy may say, the client behind it may not.
    may_xclient_ = co_await server_.xclient_hosts.holds(server_.backend, client_);
    may_xforward_ = co_await server_.xforward_hosts.holds(server_.backend, client_);
    log_info("connect from " + client_.text());
}

Task<Reply> Session::do_xforward(std::string arguments) {
    if (!may_xforward_) co_return Reply{550, "5.7.0", "Error: insufficient authorization"};
    if (transaction_) co_return Reply{503, "5.5.1", "Error: MAIL transaction in progress"};
    if (arguments.empty()) co_return Reply{501, "5.5.4", "Syntax: XFORWARD attribute=value..."};
    Forwarded forwarded = forwarded_;
    const Result<void> applied = apply_xforward(forwarded, arguments);
    if (!applied) co_return Reply{501, applied.error().status, applied.error().text};
    forwarded_ = std::move(forwarded);
    co_return Reply{250, "2.0.0", "Ok"};
}

}  // namespace facteur::smtpd
