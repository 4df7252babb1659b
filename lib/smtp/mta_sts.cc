#include "lib/smtp/mta_sts.h"

#include <algorithm>

#include "lib/base/text.h"

namespace facteur::smtp {
namespace {

/// RFC 8461 section 3.2: more is not asked for by anybody, and costs memory.
constexpr std::size_t kMaxPatterns = 200;
constexpr std::int64_t kMaxAge = 31557600;

bool is_version(std::string_view text) {
    if (!text.starts_with("v=STSv1")) return false;
    std::string_view rest = trim(text.substr(7));
    return rest.empty() || rest.front() == ';';
}

bool is_id(std::string_view id) {
    return !id.empty() && id.size() <= 32 &&
           std::ranges::all_of(id, [](char c) { return is_alpha(c) || is_digit(c); });
}

bool is_pattern(std::string_view name) {
    if (name.starts_with("*.")) name.remove_prefix(2);
    if (name.empty() || name.size() > 253 || name.front() == '.') return false;
    return std::ranges::all_of(name, [](char c) {
        return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

}  // namespace

std::optional<std::string> sts_record_id(const std::vector<std::string>& texts) {
    const std::string* record = nullptr;
    for (const std::string& text : texts) {
        if (!is_version(text)) continue;
        if (record) return std::nullopt;
        record = &text;
    }
    if (!record) return std::nullopt;
    for (std::string_view field : split(*record, ';')) {
        std::string_view one = trim(field);
        if (!one.starts_with("id=")) continue;
        std::string_view id = one.substr(3);
        if (!is_id(id)) return std::nullopt;
        return std::string(id);
    }
    return std::nullopt;
}

bool StsPolicy::allows(std::string_view host) const {
    std::string name = to_lower(host);
    while (name.ends_with('.'))
        name.pop_back();
    return std::ranges::any_of(mx, [&](const std::string& pattern) {
        if (!pattern.starts_with("*.")) return pattern == name;
        auto dot = name.find('.');
        return dot != std::string::npos && dot > 0 &&
               std::string_view(name).substr(dot) == std::string_view(pattern).substr(1);
    });
}

namespace {

/// What has been seen of a policy.
struct Reading {
    StsPolicy policy;
    bool version = false, mode = false, max_age = false;
};

Result<void> take_field(Reading& reading, std::string_view key, std::string_view value) {
    // RFC 8461 section 3.2: of a field that stands twice the first counts, but for mx.
    if (key == "version" && !reading.version) {
        if (value != "STSv1") return permanent("unknown version");
        reading.version = true;
    } else if (key == "mode" && !reading.mode) {
        using Mode = StsPolicy::Mode;
        if (value != "enforce" && value != "testing" && value != "none")
            return permanent("unknown mode");
        reading.policy.mode = value == "enforce"   ? Mode::enforce
                              : value == "testing" ? Mode::testing
                                                   : Mode::none;
        reading.mode = true;
    } else if (key == "max_age" && !reading.max_age) {
        auto seconds = value.size() <= 10 ? parse_number(value) : std::nullopt;
        if (!seconds) return permanent("max_age is no number");
        reading.policy.max_age =
            Seconds(std::min<std::int64_t>(static_cast<std::int64_t>(*seconds), kMaxAge));
        reading.max_age = true;
    } else if (key == "mx") {
        if (!is_pattern(value)) return permanent("bad mx pattern");
        if (reading.policy.mx.size() >= kMaxPatterns) return permanent("too many mx patterns");
        reading.policy.mx.push_back(to_lower(value));
    }
    return {};
}

}  // namespace

Result<StsPolicy> parse_sts_policy(std::string_view text) {
    Reading reading;
    for (std::string_view line : split(text, '\n')) {
        line = trim(line);
        if (line.empty()) continue;
        auto colon = line.find(':');
        if (colon == std::string_view::npos) return permanent("a line without a colon");
        TRY_VOID(take_field(reading, trim(line.substr(0, colon)), trim(line.substr(colon + 1))));
    }
    if (!reading.version || !reading.mode || !reading.max_age)
        return permanent("version, mode or max_age is missing");
    if (reading.policy.mx.empty() && reading.policy.mode != StsPolicy::Mode::none)
        return permanent("no mx pattern");
    return std::move(reading.policy);
}

}  // namespace facteur::smtp
