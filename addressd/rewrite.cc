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
    return rewrite(address, settings, settings.myorigin(), settings.mydomain());
}

std::string rewrite(std::string_view address, const Settings& settings, const std::string& origin,
                    const std::string& domain) {
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
        out += "@" + origin;
        at = at_sign(out);
    } else if (at + 1 == out.size()) {
        if (settings.append_at_myorigin()) out += origin;
    }
    const bool literal = out.ends_with(']');
    if (out.ends_with('.') && out.size() > at + 2) out.pop_back();
    if (settings.append_dot_mydomain() && !literal && out.find('.', at) == std::string::npos)
        out += "." + domain;
    return out;
}

// ADDRESS_REWRITING_README, "Address masquerading": the first domain that matches decides.
std::string masqueraded(std::string address, const Settings& settings) {
    const auto at = at_sign(address);
    if (at == std::string::npos) return address;
    for (const std::string& user : settings.rewriting.masquerade_exceptions())
        if (iequals(user, local_part_of(address))) return address;
    for (std::string_view parent : settings.rewriting.masquerade_domains()) {
        const bool excepted = parent.starts_with('!');
        if (excepted) parent.remove_prefix(1);
        const std::string_view domain = domain_of(address);
        const bool below = domain.size() > parent.size() && iends_with(domain, parent) &&
                           domain[domain.size() - parent.size() - 1] == '.';
        if (!below && !iequals(domain, parent)) continue;
        if (!excepted) address = address.substr(0, at + 1) + std::string(parent);
        break;
    }
    return address;
}

}  // namespace facteur::addressd
