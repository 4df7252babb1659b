#include "lib/spool/envelope.h"

#include <algorithm>
#include <limits>

#include "lib/base/text.h"
#include "lib/spool/lines.h"

namespace facteur::spool {
namespace {

constexpr std::string_view kBodies[] = {"7bit", "8bitmime", "binarymime"};
constexpr std::string_view kRets[] = {"", "full", "hdrs"};
constexpr std::string_view kByModes[] = {"", "return", "notify"};
constexpr std::string_view kReports[] = {"", "attempt", "verify"};
constexpr std::string_view kNotices[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};

template <std::size_t N>
std::size_t place_of(const std::string_view (&names)[N], std::string_view name) {
    for (std::size_t i = 0; i < N; ++i) {
        if (names[i] == name) return i;
    }
    return 0;
}

void put_if(std::string& out, std::string_view key, std::string_view value) {
    if (!value.empty()) put_line(out, key, value);
}

std::int64_t time_in(std::string_view value) {
    constexpr std::uint64_t kLatest = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(parse_number(value).value_or(0), kLatest));
}

std::int8_t priority_in(std::string_view value) {
    const bool negative = value.starts_with('-');
    const std::uint64_t number = parse_number(value.substr(negative ? 1 : 0)).value_or(0);
    const auto level = static_cast<std::int8_t>(std::min<std::uint64_t>(number, 9));
    return static_cast<std::int8_t>(negative ? -level : level);
}

/// "1795349000 return trace"
void take_deliver_by(Envelope& envelope, std::string_view value) {
    const std::int64_t when = time_in(take_word(value));
    const auto mode = static_cast<ByMode>(place_of(kByModes, take_word(value)));
    if (mode == ByMode::none) return;
    envelope.deliver_by = when;
    envelope.by_mode = mode;
    envelope.by_trace = value == "trace";
}

/// What was asked of the delivery as a whole.
bool take_wish(Envelope& envelope, std::string_view key, const std::string& value) {
    if (key == "priority") {
        envelope.priority = priority_in(value);
    } else if (key == "deliver-by") {
        take_deliver_by(envelope, value);
    } else if (key == "release-at") {
        envelope.release_at = time_in(value);
    } else if (key == "report") {
        envelope.report = static_cast<Report>(place_of(kReports, value));
    } else if (key == "requiretls") {
        envelope.requiretls = true;
    } else if (key == "unmapped") {
        envelope.unmapped = true;
    } else if (key == "tls-optional") {
        envelope.tls_optional = true;
    } else {
        return false;
    }
    return true;
}

void put_wishes(std::string& out, const Envelope& envelope) {
    if (envelope.priority != 0) put_line(out, "priority", std::to_string(envelope.priority));
    if (envelope.by_mode != ByMode::none) {
        std::string value = std::to_string(envelope.deliver_by) + " ";
        value += kByModes[static_cast<std::size_t>(envelope.by_mode)];
        put_line(out, "deliver-by", value + (envelope.by_trace ? " trace" : ""));
    }
    if (envelope.release_at > 0) put_line(out, "release-at", std::to_string(envelope.release_at));
    put_if(out, "report", kReports[static_cast<std::size_t>(envelope.report)]);
    if (envelope.requiretls) put_line(out, "requiretls", "yes");
    if (envelope.tls_optional) put_line(out, "tls-optional", "yes");
    if (envelope.unmapped) put_line(out, "unmapped", "yes");
}

/// True when the line was one of the envelope's own.
bool take_fact(Envelope& envelope, std::string_view key, const std::string& value) {
    struct Text {
        std::string_view key;
        std::string Envelope::*member;
    };
    static constexpr Text kTexts[] = {
        {"sender", &Envelope::sender},
        {"envid", &Envelope::envid},
        {"client-name", &Envelope::client_name},
        {"client-address", &Envelope::client_address},
        {"helo", &Envelope::helo},
        {"protocol", &Envelope::protocol},
        {"login", &Envelope::login},
        {"filter", &Envelope::filter},
    };
    for (const Text& text : kTexts) {
        if (text.key != key) continue;
        envelope.*text.member = value;
        return true;
    }
    if (key == "arrival") {
        envelope.arrival = time_in(value);
    } else if (key == "size") {
        envelope.size = parse_number(value).value_or(0);
    } else if (key == "body") {
        envelope.body = static_cast<Body>(place_of(kBodies, value));
    } else if (key == "ret") {
        envelope.ret = static_cast<Ret>(place_of(kRets, value));
    } else if (key == "smtputf8") {
        envelope.smtputf8 = true;
    } else {
        return take_wish(envelope, key, value);
    }
    return true;
}

}  // namespace

std::string notify_text(std::uint8_t notify) {
    std::string out;
    for (std::size_t bit = 0; bit < std::size(kNotices); ++bit) {
        if (!(notify & (1u << bit))) continue;
        if (!out.empty()) out += ',';
        out += kNotices[bit];
    }
    return out;
}

Result<std::uint8_t> parse_notify(std::string_view text) {
    unsigned notify = 0;
    for (std::string_view word : split(text, ',')) {
        unsigned bit = 0;
        while (bit < std::size(kNotices) && !iequals(kNotices[bit], word))
            ++bit;
        if (bit == std::size(kNotices)) return permanent("Bad NOTIFY parameter", "5.5.4");
        notify |= 1u << bit;
    }
    // RFC 3461 section 4.1: NEVER stands alone.
    if ((notify & notify_never) && notify != notify_never) {
        return permanent("NOTIFY=NEVER excludes the others", "5.5.4");
    }
    return static_cast<std::uint8_t>(notify);
}

void put_recipient(std::string& out, const Recipient& recipient) {
    put_line(out, "recipient", recipient.address);
    put_if(out, "original", recipient.original);
    put_if(out, "orcpt", recipient.orcpt);
    put_if(out, "notify", notify_text(recipient.notify));
}

bool take_recipient_detail(Recipient& recipient, std::string_view key, const std::string& value) {
    if (key == "original") {
        recipient.original = value;
    } else if (key == "orcpt") {
        recipient.orcpt = value;
    } else if (key == "notify") {
        recipient.notify = parse_notify(value).value_or(0);
    } else {
        return false;
    }
    return true;
}

std::string to_text(const Envelope& envelope) {
    std::string out;
    out.reserve(256 + 48 * envelope.recipients.size());
    put_line(out, "arrival", std::to_string(envelope.arrival));
    put_line(out, "sender", envelope.sender);
    put_line(out, "size", std::to_string(envelope.size));
    put_line(out, "body", kBodies[static_cast<std::size_t>(envelope.body)]);
    if (envelope.smtputf8) put_line(out, "smtputf8", "yes");
    put_if(out, "ret", kRets[static_cast<std::size_t>(envelope.ret)]);
    put_if(out, "envid", envelope.envid);
    put_if(out, "client-name", envelope.client_name);
    put_if(out, "client-address", envelope.client_address);
    put_if(out, "helo", envelope.helo);
    put_if(out, "protocol", envelope.protocol);
    put_if(out, "login", envelope.login);
    put_if(out, "filter", envelope.filter);
    put_wishes(out, envelope);
    for (const Recipient& recipient : envelope.recipients)
        put_recipient(out, recipient);
    return out;
}

Result<Envelope> parse_envelope(std::string_view text) {
    Envelope envelope;
    bool has_sender = false;
    TextLine line;
    while (take_line(text, line)) {
        if (line.key == "recipient") {
            Recipient recipient;
            recipient.address = std::move(line.value);
            envelope.recipients.push_back(std::move(recipient));
        } else if (!take_fact(envelope, line.key, line.value) && !envelope.recipients.empty()) {
            take_recipient_detail(envelope.recipients.back(), line.key, line.value);
        }
        has_sender |= line.key == "sender";
    }
    if (!text.empty()) return permanent("envelope: last line has no end");
    if (!has_sender) return permanent("envelope: no sender");
    if (envelope.recipients.empty()) return permanent("envelope: no recipient");
    return envelope;
}

}  // namespace facteur::spool
