#include "lib/store/quota/rules.h"

#include <algorithm>
#include <limits>

#include "lib/base/text.h"

namespace facteur::store::quota {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();

/// B, k, M, G, T with or without a B behind; 0 when it is none.
std::uint64_t factor_of(std::string_view unit, std::uint64_t without) {
    if (unit.empty()) return without;
    if (iequals(unit, "B")) return 1;
    if (unit.size() == 2 && lower(unit[1]) == 'b') unit.remove_suffix(1);
    if (unit.size() == 3 && iequals(unit.substr(1), "ib")) unit.remove_suffix(2);
    if (unit.size() != 1) return 0;
    switch (lower(unit[0])) {
        case 'k':
            return std::uint64_t{1} << 10;
        case 'm':
            return std::uint64_t{1} << 20;
        case 'g':
            return std::uint64_t{1} << 30;
        case 't':
            return std::uint64_t{1} << 40;
        default:
            return 0;
    }
}

std::unexpected<Error> bad(std::string_view what, std::string_view text) {
    return permanent(std::string(what) + " in \"" + printable(text) + "\"");
}

std::size_t digits_in(std::string_view text) {
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits]))
        ++digits;
    return digits;
}

/// "10M", "10%", with a sign: relative.  `without`: what a number without a unit counts.
std::optional<Rule::Limit> parse_limit(std::string_view text, std::uint64_t without) {
    using Kind = Rule::Limit::Kind;
    Rule::Limit out;
    const bool relative = text.starts_with('+') || text.starts_with('-');
    const std::int64_t sign = text.starts_with('-') ? -1 : 1;
    if (relative) text.remove_prefix(1);
    const std::size_t digits = digits_in(text);
    auto number = parse_number(text.substr(0, digits));
    std::string_view unit = trim(text.substr(digits));
    if (!number) return std::nullopt;
    if (unit == "%") {
        if (*number > 1'000'000) return std::nullopt;
        out.kind = relative ? Kind::more_percent : Kind::percent;
    } else {
        const std::uint64_t factor = factor_of(unit, without);
        if (factor == 0 || *number > kMost / factor) return std::nullopt;
        *number *= factor;
        out.kind = relative ? Kind::more : Kind::absolute;
    }
    out.value = static_cast<std::int64_t>(*number) * sign;
    return out;
}

/// value * percent / 100; what is too large becomes the most.
std::int64_t part(std::uint64_t value, std::int64_t percent) {
    const auto whole = static_cast<std::int64_t>(std::min(value, kMost));
    std::int64_t out = 0;
    if (__builtin_mul_overflow(whole / 100, percent, &out) ||
        __builtin_add_overflow(out, whole % 100 * percent / 100, &out))
        return percent < 0 ? -static_cast<std::int64_t>(kMost) : static_cast<std::int64_t>(kMost);
    return out;
}

/// No limit stays that with any addition.  What falls below one byte, Dovecot takes for no limit
/// too: a limit of one byte is what is meant.
std::uint64_t applied(const std::optional<Rule::Limit>& limit, std::uint64_t base) {
    using Kind = Rule::Limit::Kind;
    if (!limit) return base;
    if (limit->kind == Kind::absolute) return static_cast<std::uint64_t>(limit->value);
    if (base == 0) return 0;
    if (limit->kind == Kind::percent) return static_cast<std::uint64_t>(part(base, limit->value));
    const bool is_part = limit->kind == Kind::more_percent;
    const std::int64_t more = is_part ? part(base, limit->value) : limit->value;
    std::int64_t sum = 0;
    if (__builtin_add_overflow(static_cast<std::int64_t>(base), more, &sum)) return kMost;
    return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 1));
}

bool matches(std::string_view pattern, std::string_view name) {
    std::size_t p = 0, n = 0, star = std::string_view::npos, from = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            from = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p, ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

bool is_default(const Rule& rule) {
    return rule.mailbox == "*" || rule.mailbox == "?";
}

std::uint64_t share(std::uint64_t limit, std::uint64_t percent) {
    return static_cast<std::uint64_t>(part(limit, static_cast<std::int64_t>(percent)));
}

/// "quota_rule", "quota_rule2"…: a name and a number.
bool is_numbered(std::string_view name, std::string_view base) {
    if (!name.starts_with(base)) return false;
    name.remove_prefix(base.size());
    return digits_in(name) == name.size();
}

}  // namespace

Result<Rule> parse_rule(std::string_view text) {
    Rule rule;
    const std::size_t colon = text.find(':');
    if (colon == 0 || colon == std::string_view::npos) return bad("no mailbox", text);
    rule.mailbox = text.substr(0, colon);
    if (iequals(rule.mailbox, "INBOX")) rule.mailbox = "INBOX";
    for (std::string_view one : split(text.substr(colon + 1), ':')) {
        one = trim(one);
        const std::size_t equals = one.find('=');
        const std::string_view name = one.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view() : one.substr(equals + 1);
        std::optional<Rule::Limit> limit;
        if (one == "ignore") {
            rule.ignored = true;
        } else if (name == "storage" && (limit = parse_limit(value, 1024))) {
            rule.bytes = limit;
        } else if (name == "bytes" && (limit = parse_limit(value, 1))) {
            rule.bytes = limit;
        } else if (name == "messages" && (limit = parse_limit(value, 1))) {
            rule.messages = limit;
        } else if (!one.empty() && name != "backend") {
            return bad("unknown limit " + printable(one), text);
        }
    }
    if (is_default(rule)) {
        for (auto& limit : {rule.bytes, rule.messages})
            if (limit && limit->kind != Rule::Limit::Kind::absolute)
                return bad("relative default", text);
    }
    return rule;
}

Result<Warning> parse_warning(std::string_view text) {
    Warning out;
    std::string_view rest = trim(text);
    std::string_view limit = take_word(rest);
    if (limit.starts_with('-')) {
        out.below = true;
        limit.remove_prefix(1);
    } else if (limit.starts_with('+')) {
        limit.remove_prefix(1);
    }
    const std::size_t equals = limit.find('=');
    const std::string_view name = limit.substr(0, equals);
    if (equals == std::string_view::npos) return bad("no threshold", text);
    limit.remove_prefix(equals + 1);
    out.by_messages = name == "messages";
    if (!out.by_messages && name != "storage" && name != "bytes") return bad("no threshold", text);
    auto parsed =
        parse_limit(replace_all(std::string(limit), "%%", "%"), name == "storage" ? 1024 : 1);
    if (!parsed || parsed->value < 0) return bad("no threshold", text);
    if (parsed->kind == Rule::Limit::Kind::percent) {
        out.percent = static_cast<std::uint64_t>(parsed->value);
    } else {
        out.value = static_cast<std::uint64_t>(parsed->value);
    }
    out.command = trim(rest);
    if (out.command.empty()) return bad("no command", text);
    return out;
}

Result<void> Rules::take(std::string_view name, std::string_view value) {
    if (name == "quota") {
        on_ = !value.empty();
        auto parts = split(value, ':');
        if (on_ && parts[0] != "maildir" && parts[0] != "count")
            return permanent("quota: neither maildir nor count: " + printable(value));
        if (parts.size() > 1) name_ = parts[1];
        for (std::size_t i = 2; i < parts.size(); ++i)
            if (parts[i] == "noenforcing") enforced_ = false;
    } else if (is_numbered(name, "quota_rule") && !value.empty()) {
        TRY(Rule rule, parse_rule(value));
        // The user's own entry comes behind main.cf's, and counts in its place.
        std::erase_if(rules_, [&](const Rule& old) { return old.mailbox == rule.mailbox; });
        rules_.push_back(std::move(rule));
    } else if (is_numbered(name, "quota_warning") && !value.empty()) {
        TRY(Warning warning, parse_warning(value));
        warnings_.push_back(std::move(warning));
    } else if (name == "quota_grace") {
        auto limit = parse_limit(replace_all(std::string(value), "%%", "%"), 1024);
        if (!limit || limit->value < 0) return permanent("quota_grace: " + printable(value));
        grace_ = *limit;
    } else if (name == "quota_max_mail_size" && !value.empty()) {
        auto limit = parse_limit(value, 1);
        if (!limit || limit->kind != Rule::Limit::Kind::absolute)
            return permanent("quota_max_mail_size: " + printable(value));
        max_mail_size_ = static_cast<std::uint64_t>(limit->value);
    } else if (name == "quota_exceeded_message" && !value.empty()) {
        exceeded_message_ = value;
    }
    return {};
}

Result<std::optional<Rules>> Rules::parse(const std::vector<std::string>& settings) {
    Rules rules;
    for (const std::string& setting : settings) {
        const std::size_t equals = setting.find('=');
        if (!setting.starts_with("quota") || equals == std::string::npos) continue;
        const std::string_view text = setting;
        TRY_VOID(rules.take(text.substr(0, equals), text.substr(equals + 1)));
    }
    if (!rules.on_) return std::nullopt;
    return rules;
}

const Rule* Rules::rule_for(std::string_view mailbox) const {
    for (const Rule& rule : rules_)
        if (!is_default(rule) && rule.mailbox == mailbox) return &rule;
    for (const Rule& rule : rules_)
        if (!is_default(rule) && matches(rule.mailbox, mailbox)) return &rule;
    return nullptr;
}

Limits Rules::limits_in(std::string_view mailbox) const {
    Limits out;
    for (const Rule& rule : rules_) {
        if (!is_default(rule)) continue;
        out.bytes = applied(rule.bytes, out.bytes);
        out.messages = applied(rule.messages, out.messages);
    }
    if (const Rule* own = mailbox == "*" ? nullptr : rule_for(mailbox)) {
        out.bytes = applied(own->bytes, out.bytes);
        out.messages = applied(own->messages, out.messages);
    }
    return out;
}

bool Rules::ignored(std::string_view mailbox) const {
    const Rule* rule = rule_for(mailbox);
    return rule && rule->ignored;
}

std::uint64_t Rules::grace() const {
    return grace_.kind == Rule::Limit::Kind::percent
               ? share(limits().bytes, static_cast<std::uint64_t>(grace_.value))
               : static_cast<std::uint64_t>(grace_.value);
}

const Warning* Rules::crossed(const Usage& before, const Usage& after) const {
    const Limits limits = this->limits();
    for (const Warning& warning : warnings_) {
        const std::uint64_t limit = warning.by_messages ? limits.messages : limits.bytes;
        if (warning.percent && limit == 0) continue;
        const auto threshold = static_cast<std::int64_t>(
            warning.percent ? share(limit, warning.percent) : warning.value);
        const std::int64_t from = warning.by_messages ? before.messages : before.bytes;
        const std::int64_t to = warning.by_messages ? after.messages : after.bytes;
        if (warning.below ? from >= threshold && to < threshold
                          : from < threshold && to >= threshold)
            return &warning;
    }
    return nullptr;
}

}  // namespace facteur::store::quota
