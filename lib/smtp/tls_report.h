#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// TLS reports (RFC 8460): who wants to hear how TLS with a domain's servers went.
namespace facteur::smtp {

struct ReportTargets {
    std::vector<std::string> addresses;  ///< of mailto: URIs
    std::vector<std::string> urls;       ///< https: URIs

    bool empty() const { return addresses.empty() && urls.empty(); }
};

/// What the TXT records of _smtp._tls.DOMAIN ask for; empty when there is no such record, when
/// there are several, or when it names nothing that can be used (RFC 8460 section 3).
ReportTargets report_targets(const std::vector<std::string>& texts);

/// "https://host[:port]/path" in its parts; nothing when it is anything else.
struct ReportUrl {
    std::string host;
    std::uint16_t port = 443;
    std::string path;
};
std::optional<ReportUrl> parse_report_url(std::string_view url);

}  // namespace facteur::smtp
