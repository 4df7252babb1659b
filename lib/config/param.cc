#include "lib/config/param.h"

#include <charconv>

#include "lib/base/text.h"

namespace facteur::conf {
namespace {

std::string quoted(std::string_view text) {
    return "\"" + printable(text, 100) + "\"";
}

constexpr std::int64_t kMillisecond = 1;
constexpr std::int64_t kSecond = 1000;

/// Milliseconds in one unit; 0 for a letter that is none.
std::int64_t unit_length(char unit) {
    switch (lower(unit)) {
        case 's':
            return kSecond;
        case 'm':
            return 60 * kSecond;
        case 'h':
            return 3600 * kSecond;
        case 'd':
            return 86400 * kSecond;
        case 'w':
            return 7 * 86400 * kSecond;
        default:
            return 0;
    }
}

}  // namespace

ParamBase::ParamBase(Params& params, std::string_view name, std::string default_text,
                     std::string_view description)
    : name_(name), default_text_(std::move(default_text)), description_(description) {
    params.push_back(this);
}

Result<bool> parse_bool(std::string_view text) {
    if (iequals(text, "yes")) return true;
    if (iequals(text, "no")) return false;
    return permanent(quoted(text) + " is neither yes nor no");
}

Result<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) return permanent(quoted(text) + " is too large");
    if (error != std::errc() || end != text.data() + text.size())
        return permanent(quoted(text) + " is not a number; write digits only");
    return value;
}

Result<std::uint64_t> parse_size(std::string_view text) {
    std::string_view digits = text;
    int shift = 0;
    if (!digits.empty() && !is_digit(digits.back())) {
        switch (lower(digits.back())) {
            case 'k':
                shift = 10;
                break;
            case 'm':
                shift = 20;
                break;
            case 'g':
                shift = 30;
                break;
            case 't':
                shift = 40;
                break;
            default:
                break;
        }
        if (shift > 0) digits.remove_suffix(1);
    }
    auto number = parse_number(digits);
    if (!number) return permanent(quoted(text) + " is not a size; write bytes, or 10k, 20m, 1g");
    if (*number > (std::uint64_t{INT64_MAX} >> shift))
        return permanent(quoted(text) + " is too large");
    return *number << shift;
}

Result<Milliseconds> parse_time(std::string_view text, char unit) {
    std::string_view digits = text;
    std::int64_t factor = unit_length(unit);
    if (digits.ends_with("ms")) {
        factor = kMillisecond;
        digits.remove_suffix(2);
    } else if (!digits.empty() && unit_length(digits.back()) > 0) {
        factor = unit_length(digits.back());
        digits.remove_suffix(1);
    }
    auto number = parse_number(digits);
    if (!number) {
        return permanent(quoted(text) + " is not a time; write a number and s, m, h, d or w");
    }
    if (*number > static_cast<std::uint64_t>(INT64_MAX / factor / 1000))
        return permanent(quoted(text) + " is too large");
    return Milliseconds(static_cast<std::int64_t>(*number) * factor);
}

std::vector<std::string> parse_list(std::string_view text) {
    constexpr std::string_view kSeparators = ", \t\r\n";
    std::vector<std::string> list;
    while (true) {
        const auto start = text.find_first_not_of(kSeparators);
        if (start == std::string_view::npos) return list;
        text.remove_prefix(start);
        int depth = 0;
        std::size_t end = 0;
        for (; end < text.size(); ++end) {
            if (text[end] == '{') ++depth;
            if (text[end] == '}') --depth;
            if (depth <= 0 && kSeparators.find(text[end]) != std::string_view::npos) break;
        }
        list.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

std::string time_text(Milliseconds time) {
    const auto count = time.count();
    if (count % kSecond != 0) return std::to_string(count) + "ms";
    if (count > 0 && count % unit_length('d') == 0)
        return std::to_string(count / unit_length('d')) + "d";
    return std::to_string(count / kSecond) + "s";
}

Result<void> check_range(std::int64_t value, std::int64_t min, std::int64_t max) {
    if (value < min) {
        return permanent(std::to_string(value) + " is too small; the smallest is " +
                         std::to_string(min));
    }
    if (value > max) {
        return permanent(std::to_string(value) + " is too large; the largest is " +
                         std::to_string(max));
    }
    return {};
}

Result<void> check_time_range(Milliseconds value, Milliseconds min, Milliseconds max) {
    if (value < min)
        return permanent(time_text(value) + " is too short; the shortest is " + time_text(min));
    if (value > max)
        return permanent(time_text(value) + " is too long; the longest is " + time_text(max));
    return {};
}

std::string range_text(std::int64_t min, std::int64_t max) {
    const bool open = max >= INT32_MAX;
    if (min <= INT32_MIN) return open ? std::string() : "at most " + std::to_string(max);
    if (open) return "at least " + std::to_string(min);
    return std::to_string(min) + " to " + std::to_string(max);
}

std::string time_range_text(Milliseconds min, Milliseconds max) {
    if (max == Milliseconds::max()) {
        return min.count() <= 0 ? std::string() : "at least " + time_text(min);
    }
    return time_text(min) + " to " + time_text(max);
}

Param<bool>::Param(Params& params, std::string_view name, bool value, std::string_view description)
    : ParamBase(params, name, value ? "yes" : "no", description), value_(value) {}
Param<bool>::Param(Params& params, std::string_view name, Default value,
                   std::string_view description)
    : ParamBase(params, name, value.text(), description),
      value_(parse_bool(value.text()).value_or(false)) {}

Result<void> Param<bool>::set(std::string_view expanded) {
    TRY(value_, parse_bool(expanded));
    return {};
}

Param<Size>::Param(Params& params, std::string_view name, std::uint64_t value, Limits range,
                   std::string_view description)
    : ParamBase(params, name, std::to_string(value), description), value_(value), range_(range) {}
Param<Size>::Param(Params& params, std::string_view name, const Default& value,
                   std::string_view description)
    : ParamBase(params, name, value.text(), description),
      value_(parse_size(value.text()).value_or(0)) {}

std::string Param<Size>::allowed() const {
    if (range_.max >= INT64_MAX)
        return range_.min == 0 ? std::string() : "at least " + std::to_string(range_.min);
    return std::to_string(range_.min) + " to " + std::to_string(range_.max);
}

Result<void> Param<Size>::set(std::string_view expanded) {
    TRY(auto size, parse_size(expanded));
    if (size < range_.min) {
        return permanent(quoted(expanded) + " is too small; the smallest is " +
                         std::to_string(range_.min));
    }
    if (size > range_.max) {
        return permanent(quoted(expanded) + " is too large; the largest is " +
                         std::to_string(range_.max));
    }
    value_ = size;
    return {};
}

Param<std::string>::Param(Params& params, std::string_view name, std::string_view value,
                          std::string_view description)
    : ParamBase(params, name, std::string(value), description), value_(value) {}
Param<std::string>::Param(Params& params, std::string_view name, Derived value,
                          std::string_view description)
    : ParamBase(params, name, std::string(), description) {
    set_derived(value.function());
}
Result<void> Param<std::string>::set(std::string_view expanded) {
    value_ = expanded;
    return {};
}

Param<Raw>::Param(Params& params, std::string_view name, std::string_view value,
                  std::string_view description)
    : ParamBase(params, name, std::string(value), description), value_(value) {}
Result<void> Param<Raw>::set(std::string_view expanded) {
    value_ = expanded;
    return {};
}

Param<List>::Param(Params& params, std::string_view name, std::string_view value,
                   std::string_view description)
    : ParamBase(params, name, std::string(value), description), value_(parse_list(value)) {}
Param<List>::Param(Params& params, std::string_view name, Derived value,
                   std::string_view description)
    : ParamBase(params, name, std::string(), description) {
    set_derived(value.function());
}
Result<void> Param<List>::set(std::string_view expanded) {
    value_ = parse_list(expanded);
    return {};
}

Error not_a_choice(std::string_view text, const std::vector<std::string_view>& names) {
    std::string all;
    for (std::string_view name : names) {
        if (!name.empty()) all.append(all.empty() ? "" : ", ").append(name);
    }
    return Error{Error::Kind::permanent, "5.3.5", quoted(text) + " must be one of: " + all};
}

}  // namespace facteur::conf
