// Postfix's XCLIENT_README and XFORWARD_README: whom a trusted proxy speaks for.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/domain.h"
#include "lib/smtp/xtext.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace {

constexpr std::size_t kMostValue = 255;

struct Attribute {
    std::string name;   ///< upper case
    std::string value;  ///< decoded; empty: [UNAVAILABLE] or [TEMPUNAVAIL]
    bool temporary = false;
};

/// "NAME=value", the value in xtext.
Result<Attribute> parse(std::string_view word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == word.size())
        return permanent("Error: attribute=value expected", "5.5.4");
    Attribute attribute;
    attribute.name = to_upper(word.substr(0, equals));
    const std::string_view value = word.substr(equals + 1);
    attribute.temporary = iequals(value, "[TEMPUNAVAIL]");
    if (attribute.temporary || iequals(value, "[UNAVAILABLE]")) return attribute;
    auto decoded = smtp::xtext_decode(value);
    if (!decoded || decoded->size() > kMostValue)
        return permanent("Bad " + printable(attribute.name, 32) + " value syntax", "5.5.4");
    attribute.value = printable(*decoded, kMostValue);
    return attribute;
}

std::unexpected<Error> bad(const Attribute& attribute) {
    return permanent(
        "Bad " + printable(attribute.name, 32) + " syntax: " + printable(attribute.value, 64),
        "5.5.4");
}

/// "192.0.2.1", "IPV6:2001:db8::1"; the port stays.
Result<void> set_address(Address& address, const Attribute& attribute) {
    std::string_view ip = attribute.value;
    if (istarts_with(ip, "IPV6:")) ip.remove_prefix(5);
    const auto parsed = Address::from_ip(ip, address.port());
    if (!parsed || ip.starts_with('[')) return bad(attribute);
    address = *parsed;
    return {};
}

Result<void> set_port(Address& address, const Attribute& attribute) {
    const auto port =
        attribute.value.empty() ? std::optional<std::uint64_t>(0) : parse_number(attribute.value);
    if (!port || *port > 65535) return bad(attribute);
    address.set_port(static_cast<std::uint16_t>(*port));
    return {};
}

Result<void> set_name(std::string& name, bool& temporary, const Attribute& attribute) {
    if (!attribute.value.empty() && !smtp::is_domain(attribute.value)) return bad(attribute);
    name = attribute.value.empty() ? "unknown" : attribute.value;
    temporary = attribute.temporary;
    return {};
}

/// One attribute of XCLIENT.
Result<void> apply(Client& client, const Attribute& attribute) {
    const std::string& name = attribute.name;
    if (name == "NAME") return set_name(client.name, client.name_temporary, attribute);
    if (name == "REVERSE_NAME")
        return set_name(client.reverse_name, client.reverse_temporary, attribute);
    if (name == "ADDR") return set_address(client.address, attribute);
    if (name == "PORT") return set_port(client.address, attribute);
    if (name == "DESTADDR") return set_address(client.server, attribute);
    if (name == "DESTPORT") return set_port(client.server, attribute);
    if (name == "HELO") {
        client.helo = attribute.value;
    } else if (name == "LOGIN") {
        client.login = attribute.value;
        client.mechanism = attribute.value.empty() ? "" : "XCLIENT";
    } else if (name == "PROTO") {
        if (!iequals(attribute.value, "SMTP") && !iequals(attribute.value, "ESMTP"))
            return bad(attribute);
        client.esmtp = iequals(attribute.value, "ESMTP");
    } else {
        return permanent("Bad XCLIENT attribute name: " + printable(name, 32), "5.5.4");
    }
    return {};
}

/// One attribute of XFORWARD.
Result<void> apply(Forwarded& forwarded, const Attribute& attribute) {
    struct Text {
        std::string_view name;
        std::string Forwarded::*member;
    };
    static constexpr Text kTexts[] = {
        {"NAME", &Forwarded::name},     {"ADDR", &Forwarded::address},
        {"PORT", &Forwarded::port},     {"PROTO", &Forwarded::protocol},
        {"HELO", &Forwarded::helo},     {"IDENT", &Forwarded::ident},
        {"SOURCE", &Forwarded::source},
    };
    for (const Text& text : kTexts) {
        if (text.name != attribute.name) continue;
        forwarded.*text.member = attribute.value;
        forwarded.given = true;
        return {};
    }
    return permanent("Bad XFORWARD attribute name: " + printable(attribute.name, 32), "5.5.4");
}

template <class To>
Result<void> apply_all(To& to, std::string_view arguments) {
    for (const std::string_view word : words(arguments)) {
        TRY(const Attribute attribute, parse(word));
        TRY_VOID(apply(to, attribute));
    }
    return {};
}

}  // namespace

Task<Reply> Session::do_xclient(std::string arguments) {
    if (!may_xclient_) co_return Reply{550, "5.7.0", "Error: insufficient authorization"};
    if (transaction_) co_return Reply{503, "5.5.1", "Error: MAIL transaction in progress"};
    if (arguments.empty()) co_return Reply{501, "5.5.4", "Syntax: XCLIENT attribute=value..."};
    Client other = client_;
    const Result<void> applied = apply_all(other, arguments);
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
    const Result<void> applied = apply_all(forwarded, arguments);
    if (!applied) co_return Reply{501, applied.error().status, applied.error().text};
    forwarded_ = std::move(forwarded);
    co_return Reply{250, "2.0.0", "Ok"};
}

}  // namespace facteur::smtpd
