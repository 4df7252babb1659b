#include "addressd/rewrite.h"

#include "lib/base/text.h"

namespace facteur::addressd {
namespace {

/// RFC 5321 appendix C: "@one,@two:user@three" is read as "user@three".
std::string_view without_route(std::string_view address) {
    if (!address.starts_with('@')) return address;
    const auto colon = address.find(':');
    // A colon inside a literal, "@[IPv6:::1]", ends no route.
    const auto bracket = address.find('[');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && bracket < colon))
        return address;
    return address.substr(colon + 1);
}

}  // namespace

std::string rewrite(std::string_view address, const Settings& settings) {
    std::string out(without_route(address));
    if (at_sign(out) == std::string::npos) {
        const auto bang = out.find('!');
        const auto percent = out.rfind('%');
        if (settings.swap_bangpath() && bang != std::string::npos && bang > 0) {
            out = out.substr(bang + 1) + "@" + out.substr(0, bang);
        } else if (settings.allow_percent_hack() && percent != std::string::npos && percent > 0) {
            out[percent] = '@';
        }
    }
    auto at = at_sign(out);
    if (at == std::string::npos) {
        if (out.empty() || !settings.append_at_myorigin()) return out;
        out += "@" + settings.myorigin();
        at = at_sign(out);
    } else if (at + 1 == out.size()) {
        if (settings.append_at_myorigin()) out += settings.myorigin();
    }
    const bool literal = out.ends_with(']');
    if (out.ends_with('.') && out.size() > at + 2) out.pop_back();
    if (settings.append_dot_mydomain() && !literal && out.find('.', at) == std::string::npos)
        out += "." + settings.mydomain();
    return out;
}

}  // namespace facteur::addressd
