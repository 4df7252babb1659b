#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace facteur::smtpd {

/// One of postscreen_dnsbl_sites: "zen.example.org=127.0.0.[2..11]*3".
struct DnsblSite {
    std::string domain;
    std::string filter;  ///< "zen.example.org=127.0.0.[2..11]", for dnsbl_matches()
    int weight = 1;
};

/// The Error names the entry that is wrong.
Result<std::vector<DnsblSite>> parse_dnsbl_sites(const std::vector<std::string>& list);

}  // namespace facteur::smtpd
