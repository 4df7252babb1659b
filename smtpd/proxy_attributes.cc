#include "smtpd/proxy_attributes.h"

#include "lib/base/text.h"
#include "lib/smtp/domain.h"
#include "lib/smtp/xtext.h"

namespace facteur::smtpd {

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

Result<void> apply_xclient(Client& client, std::string_view arguments) {
    return apply_all(client, arguments);
}

Result<void> apply_xforward(Forwarded& forwarded, std::string_view arguments) {
    return apply_all(forwarded, arguments);
}

}  // namespace facteur::smtpd
