#include "lib/base/time.h"

#include <array>
#include <ctime>

namespace facteur {
namespace {

constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct LocalTime {
    std::tm parts{};
    std::string formatted(const char* format) const {
        std::array<char, 64> text{};
        return std::string(text.data(), std::strftime(text.data(), text.size(), format, &parts));
    }
    const char* day() const { return kDays.at(static_cast<std::size_t>(parts.tm_wday)); }
    const char* month() const { return kMonths.at(static_cast<std::size_t>(parts.tm_mon)); }
};

LocalTime local(WallTime when) {
    LocalTime result;
    std::time_t seconds = std::chrono::system_clock::to_time_t(when);
    ::localtime_r(&seconds, &result.parts);
    return result;
}

}  // namespace

std::string rfc5322_date(WallTime when) {
    // Names are ours, not strftime's: the locale must not reach a header field.
    LocalTime now = local(when);
    return std::string(now.day()) + ", " + now.formatted("%d ") + now.month() +
           now.formatted(" %Y %H:%M:%S %z");
}

std::string iso_date(WallTime when) {
    std::string text = local(when).formatted("%Y-%m-%dT%H:%M:%S%z");
    return text.insert(text.size() - 2, ":");
}

std::string log_date(WallTime when) {
    LocalTime now = local(when);
    return now.month() + now.formatted(" %e %H:%M:%S");
}

}  // namespace facteur
