#include "lib/smtp/parameters.h"

#include <utility>

#include "lib/base/text.h"
#include "lib/smtp/delivery_wishes.h"
#include "lib/smtp/xtext.h"

namespace facteur::smtp {

namespace {

std::unexpected<Error> refuse(std::string text) {
    return permanent(std::move(text), "5.5.4");
}

constexpr std::pair<std::string_view, std::uint8_t> kNotify[] = {{"NEVER", notify::kNever},
                                                                 {"SUCCESS", notify::kSuccess},
                                                                 {"FAILURE", notify::kFailure},
                                                                 {"DELAY", notify::kDelay}};

/// "NAME=value" or "NAME" off the front.
struct Parameter {
    std::string_view name;
    std::string_view value;
    bool has_value = false;
};
Parameter take_parameter(std::string_view& text) {
    const std::string_view word = take_word(text);
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return {word, {}, false};
    return {word.substr(0, equals), word.substr(equals + 1), true};
}

/// RFC 1870 section 3: up to 20 digits.  What does not fit into 64 bits is too big for anybody.
Result<void> set_size(MailParameters& to, std::string_view value) {
    if (value.empty() || value.size() > 20) return refuse("Bad message size syntax");
    for (const char c : value) {
        if (!is_digit(c)) return refuse("Bad message size syntax");
    }
    to.size = parse_number(value).value_or(UINT64_MAX);
    return {};
}

Result<void> set_body(MailParameters& to, std::string_view value) {
    if (iequals(value, "7BIT")) {
        to.body = Body::seven_bit;
    } else if (iequals(value, "8BITMIME")) {
        to.body = Body::eight_bit_mime;
    } else {
        return refuse("Unsupported option: BODY=" + printable(value, 64));
    }
    return {};
}

Result<void> set_auth(MailParameters& to, std::string_view value) {
    auto decoded = xtext_decode(value);
    if (!decoded || decoded->empty()) return refuse("Bad AUTH parameter");
    to.auth = *decoded == "<>" ? std::string() : *std::move(decoded);
    return {};
}

Result<void> set_ret(MailParameters& to, std::string_view value) {
    if (to.ret != Ret::unspecified) return refuse("RET was given twice");
    if (iequals(value, "FULL")) {
        to.ret = Ret::full;
    } else if (iequals(value, "HDRS")) {
        to.ret = Ret::headers;
    } else {
        return refuse("Bad RET parameter syntax");
    }
    return {};
}

/// RFC 3461 section 4.4: up to 100 characters; kept as sent, since it goes out as it came.
Result<void> set_envid(MailParameters& to, std::string_view value) {
    if (value.empty() || value.size() > 100 || !xtext_decode(value) || !to.envid.empty())
        return refuse("Bad ENVID parameter syntax");
    to.envid = value;
    return {};
}

Result<void> set_mail(MailParameters& to, const Parameter& p, const Offered& offered) {
    if (offered.size && p.has_value && iequals(p.name, "SIZE")) return set_size(to, p.value);
    if (offered.eight_bit_mime && p.has_value && iequals(p.name, "BODY"))
        return set_body(to, p.value);
    if (offered.auth && p.has_value && iequals(p.name, "AUTH")) return set_auth(to, p.value);
    if (offered.dsn && p.has_value && iequals(p.name, "RET")) return set_ret(to, p.value);
    if (offered.dsn && p.has_value && iequals(p.name, "ENVID")) return set_envid(to, p.value);
    if (offered.smtputf8 && !p.has_value && iequals(p.name, "SMTPUTF8")) {
        to.smtputf8 = true;
        return {};
    }
    if (p.has_value) {
        TRY(const bool wish, take_delivery_wish(to, p.name, p.value, offered));
        if (wish) return {};
    }
    if (!p.has_value && iequals(p.name, "REQUIRETLS")) {
        // RFC 8689 section 2: what comes in the clear cannot be kept from other eyes any more.
        if (!offered.requiretls) return permanent("REQUIRETLS needs TLS", "5.7.10");
        to.requiretls = true;
        return {};
    }
    return refuse("Unsupported option: " + printable(p.name, 64));
}

Result<void> set_notify(RcptParameters& to, std::string_view value) {
    if (to.notify != 0) return refuse("NOTIFY was given twice");
    for (const std::string_view word : split(value, ',')) {
        std::uint8_t bit = 0;
        for (const auto& [name, value_bit] : kNotify) {
            if (iequals(word, name)) bit = value_bit;
        }
        if (bit == 0) return refuse("Bad NOTIFY parameter syntax");
        to.notify = static_cast<std::uint8_t>(to.notify | bit);
    }
    // RFC 3461 section 4.1: NEVER stands alone.
    if ((to.notify & notify::kNever) != 0 && to.notify != notify::kNever)
        return refuse("Bad NOTIFY parameter syntax");
    return {};
}

/// RFC 3461 section 4.2: addr-type ";" xtext, up to 500 characters.
Result<void> set_orcpt(RcptParameters& to, std::string_view value) {
    const std::size_t semicolon = value.find(';');
    if (semicolon == std::string_view::npos || semicolon == 0 || value.size() > 500 ||
        !to.orcpt.empty()) {
        return refuse("Bad ORCPT parameter syntax");
    }
    for (const char c : value.substr(0, semicolon)) {
        if (!is_alpha(c) && !is_digit(c) && c != '-') return refuse("Bad ORCPT parameter syntax");
    }
    const auto decoded = xtext_decode(value.substr(semicolon + 1));
    if (!decoded || decoded->empty()) return refuse("Bad ORCPT parameter syntax");
    for (const char c : *decoded) {
        if (static_cast<unsigned char>(c) < ' ') return refuse("Bad ORCPT parameter syntax");
    }
    to.orcpt = std::string(value.substr(0, semicolon + 1)) + *decoded;
    return {};
}

}  // namespace

Result<MailParameters> parse_mail_parameters(std::string_view text, Offered offered) {
    MailParameters parameters;
    text = trim(text);
    while (!text.empty()) {
        TRY_VOID(set_mail(parameters, take_parameter(text), offered));
    }
    return parameters;
}

Result<RcptParameters> parse_rcpt_parameters(std::string_view text, Offered offered) {
    RcptParameters parameters;
    text = trim(text);
    while (!text.empty()) {
        const Parameter p = take_parameter(text);
        if (offered.dsn && p.has_value && iequals(p.name, "NOTIFY")) {
            TRY_VOID(set_notify(parameters, p.value));
        } else if (offered.dsn && p.has_value && iequals(p.name, "ORCPT")) {
            TRY_VOID(set_orcpt(parameters, p.value));
        } else {
            return refuse("Unsupported option: " + printable(p.name, 64));
        }
    }
    return parameters;
}

std::string to_text(const MailParameters& parameters) {
    std::string out;
    if (parameters.size) out += " SIZE=" + std::to_string(*parameters.size);
    if (parameters.body == Body::seven_bit) out += " BODY=7BIT";
    if (parameters.body == Body::eight_bit_mime) out += " BODY=8BITMIME";
    if (parameters.smtputf8) out += " SMTPUTF8";
    if (parameters.requiretls) out += " REQUIRETLS";
    if (parameters.auth)
        out += " AUTH=" + (parameters.auth->empty() ? "<>" : xtext_encode(*parameters.auth));
    if (parameters.ret == Ret::full) out += " RET=FULL";
    if (parameters.ret == Ret::headers) out += " RET=HDRS";
    if (!parameters.envid.empty()) out += " ENVID=" + parameters.envid;
    return out + delivery_wishes_text(parameters);
}

std::string to_text(const RcptParameters& parameters) {
    std::string out;
    std::string_view separator = " NOTIFY=";
    for (const auto& [name, bit] : kNotify) {
        if ((parameters.notify & bit) == 0) continue;
        out.append(separator).append(name);
        separator = ",";
    }
    const std::size_t semicolon = parameters.orcpt.find(';');
    if (semicolon != std::string::npos) {
        out += " ORCPT=" + parameters.orcpt.substr(0, semicolon + 1) +
               xtext_encode(std::string_view(parameters.orcpt).substr(semicolon + 1));
    }
    return out;
}

}  // namespace facteur::smtp
