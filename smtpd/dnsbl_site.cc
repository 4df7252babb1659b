#include "smtpd/dnsbl_site.h"

#include "lib/base/text.h"
#include "lib/smtp/domain.h"
#include "smtpd/restriction.h"

namespace facteur::smtpd {

namespace {

constexpr std::uint64_t kMostWeight = 1000000;
/// Domains that are asked about each client.
constexpr std::size_t kMostSites = 100;

Result<DnsblSite> parse_one(std::string_view text) {
    const auto wrong = [&](std::string_view why) {
        return permanent("\"" + printable(text, 100) + "\": " + std::string(why) +
                         "; write domain=filter*weight");
    };
    DnsblSite site;
    const std::size_t star = text.find('*');
    if (star != std::string_view::npos) {
        std::string_view digits = text.substr(star + 1);
        const bool is_negative = digits.starts_with('-');
        if (is_negative || digits.starts_with('+')) digits.remove_prefix(1);
        const auto weight = parse_number(digits);
        if (!weight || *weight > kMostWeight) return wrong("the weight is no number");
        site.weight = static_cast<int>(*weight) * (is_negative ? -1 : 1);
    }
    site.filter = text.substr(0, star);
    site.domain = dnsbl_domain(site.filter);
    if (!smtp::is_domain(site.domain)) return wrong("that is no domain");
    if (site.filter.ends_with('=')) return wrong("the filter is empty");
    return site;
}

}  // namespace

Result<std::vector<DnsblSite>> parse_dnsbl_sites(const std::vector<std::string>& list) {
    std::vector<DnsblSite> sites;
    if (list.size() > kMostSites) return permanent("more than 100 domains");
    for (const std::string& text : list) {
        TRY(DnsblSite site, parse_one(text));
        sites.push_back(std::move(site));
    }
    return sites;
}

}  // namespace facteur::smtpd
