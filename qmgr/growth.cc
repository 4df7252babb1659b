#include "qmgr/growth.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lib/base/text.h"

namespace facteur::qmgr {

double Growth::at(double concurrency) const {
    const double window = std::max(1.0, concurrency);
    if (per == Per::concurrency) return number / window;
    if (per == Per::sqrt_concurrency) return number / std::sqrt(window);
    return number;
}

Result<Growth> parse_growth(std::string_view text) {
    Growth growth;
    const std::size_t slash = text.find('/');
    std::string_view number = trim(text.substr(0, slash));
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), growth.number);
    if (error != std::errc() || end != number.data() + number.size() || growth.number < 0 ||
        growth.number > 1) {
        return permanent("\"" + printable(text, 100) + "\" does not begin with a number up to 1");
    }
    if (slash == std::string_view::npos) return growth;
    std::string_view per = trim(text.substr(slash + 1));
    if (per == "concurrency") {
        growth.per = Growth::Per::concurrency;
    } else if (per == "sqrt_concurrency") {
        growth.per = Growth::Per::sqrt_concurrency;
    } else {
        return permanent("\"" + printable(per, 100) +
                         "\": write concurrency or sqrt_concurrency behind the slash");
    }
    return growth;
}

}  // namespace facteur::qmgr
