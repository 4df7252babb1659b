#include "lib/smtp/delivery_wishes.h"

#include <cstdio>
#include <ctime>

#include "lib/base/text.h"

namespace facteur::smtp {
namespace {

constexpr std::size_t kMostDigits = 9;  // RFC 2852 section 4, RFC 4865 section 4.1

std::unexpected<Error> bad_wish(std::string text) {
    return permanent(std::move(text), "5.5.4");
}

std::optional<std::int64_t> digits(std::string_view text) {
    if (text.empty() || text.size() > kMostDigits) return std::nullopt;
    std::int64_t number = 0;
    for (const char c : text) {
        if (!is_digit(c)) return std::nullopt;
        number = number * 10 + (c - '0');
    }
    return number;
}

/// RFC 6710 section 6: ["-"] NZDIGIT, or "0".
Result<void> set_priority(MailParameters& to, std::string_view value) {
    const bool negative = value.starts_with('-');
    if (negative) value.remove_prefix(1);
    const bool good = value.size() == 1 && is_digit(value[0]) && !(negative && value[0] == '0');
    if (!good || to.priority) return bad_wish("Bad MT-PRIORITY parameter syntax");
    const int level = value[0] - '0';
    to.priority = static_cast<std::int8_t>(negative ? -level : level);
    return {};
}

/// RFC 2852 section 4: by-time ";" by-mode [by-trace].
Result<void> set_by(MailParameters& to, std::string_view value) {
    const auto bad = [] { return bad_wish("Bad BY parameter syntax"); };
    const bool negative = value.starts_with('-');
    if (negative || value.starts_with('+')) value.remove_prefix(1);
    const std::size_t semicolon = value.find(';');
    if (semicolon == std::string_view::npos || to.by) return bad();
    const auto seconds = digits(value.substr(0, semicolon));
    std::string_view mode = value.substr(semicolon + 1);
    if (!seconds || mode.empty() || mode.size() > 2) return bad();
    DeliverBy by;
    by.seconds = negative ? -*seconds : *seconds;
    by.returns = iequals(mode.substr(0, 1), "R");
    by.trace = mode.size() == 2 && iequals(mode.substr(1), "T");
    if (!by.returns && !iequals(mode.substr(0, 1), "N")) return bad();
    if (mode.size() == 2 && !by.trace) return bad();
    // RFC 2852 section 4: what is to be returned has some time to be delivered in.
    if (by.returns && by.seconds <= 0) return bad();
    to.by = by;
    return {};
}

/// RFC 4865 section 4: one of the two, once.
Result<void> set_hold(MailParameters& to, std::string_view value, bool until) {
    const std::string name = until ? "HOLDUNTIL" : "HOLDFOR";
    if (to.hold_for || to.hold_until) return bad_wish("HOLDFOR or HOLDUNTIL was given twice");
    auto& wanted = until ? to.hold_until : to.hold_for;
    wanted = until ? parse_utc_time(value) : digits(value);
    if (!wanted || *wanted <= 0) return bad_wish("Bad " + name + " parameter syntax");
    return {};
}

/// `pattern` with d for a digit; anything else stands for itself.
bool has_form(std::string_view text, std::string_view pattern) {
    if (text.size() < pattern.size()) return false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const bool good = pattern[i] == 'd' ? is_digit(text[i])
                                            : to_upper(text.substr(i, 1)) == pattern.substr(i, 1);
        if (!good) return false;
    }
    return true;
}

int number_at(std::string_view text, std::size_t at, std::size_t size) {
    int number = 0;
    for (const char c : text.substr(at, size))
        number = number * 10 + (c - '0');
    return number;
}

}  // namespace

std::optional<std::int64_t> parse_utc_time(std::string_view text) {
    constexpr std::string_view kForm = "dddd-dd-ddTdd:dd:dd";
    constexpr std::size_t kLongest = 40;
    if (text.size() > kLongest || !has_form(text, kForm)) return std::nullopt;
    std::string_view rest = text.substr(kForm.size());
    if (rest.starts_with('.')) {  // a fraction of a second
        rest.remove_prefix(1);
        std::size_t fraction = 0;
        while (fraction < rest.size() && is_digit(rest[fraction]))
            ++fraction;
        if (fraction == 0) return std::nullopt;
        rest.remove_prefix(fraction);
    }
    if (!iequals(rest, "Z")) return std::nullopt;
    std::tm when{};
    when.tm_year = number_at(text, 0, 4) - 1900;
    when.tm_mon = number_at(text, 5, 2) - 1;
    when.tm_mday = number_at(text, 8, 2);
    when.tm_hour = number_at(text, 11, 2);
    when.tm_min = number_at(text, 14, 2);
    when.tm_sec = number_at(text, 17, 2);
    const std::tm asked = when;
    const std::time_t seconds = ::timegm(&when);
    // The 31st of February is no day; a leap second is.
    const bool same_day = when.tm_mday == asked.tm_mday && when.tm_mon == asked.tm_mon;
    const bool leap = asked.tm_sec == 60;
    if (asked.tm_sec > 60 || asked.tm_min > 59 || asked.tm_hour > 23) return std::nullopt;
    if (!leap && !same_day) return std::nullopt;
    return static_cast<std::int64_t>(seconds);
}

std::string utc_time_text(std::int64_t seconds) {
    const std::time_t when = seconds;
    std::tm parts{};
    ::gmtime_r(&when, &parts);
    char text[64];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return {text, size};
}

Result<bool> take_delivery_wish(MailParameters& to, std::string_view name, std::string_view value,
                                const Offered& offered) {
    Result<void> taken;
    if (offered.mt_priority && iequals(name, "MT-PRIORITY")) {
        taken = set_priority(to, value);
    } else if (offered.deliver_by && iequals(name, "BY")) {
        taken = set_by(to, value);
    } else if (offered.future_release && iequals(name, "HOLDFOR")) {
        taken = set_hold(to, value, false);
    } else if (offered.future_release && iequals(name, "HOLDUNTIL")) {
        taken = set_hold(to, value, true);
    } else {
        return false;
    }
    if (!taken) return std::unexpected(std::move(taken).error());
    return true;
}

std::string delivery_wishes_text(const MailParameters& parameters) {
    std::string out;
    if (parameters.priority) out += " MT-PRIORITY=" + std::to_string(*parameters.priority);
    if (parameters.by) {
        out += " BY=" + std::to_string(parameters.by->seconds);
        out += parameters.by->returns ? ";R" : ";N";
        if (parameters.by->trace) out += "T";
    }
    if (parameters.hold_for) out += " HOLDFOR=" + std::to_string(*parameters.hold_for);
    if (parameters.hold_until) out += " HOLDUNTIL=" + utc_time_text(*parameters.hold_until);
    return out;
}

}  // namespace facteur::smtp
