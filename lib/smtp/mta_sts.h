#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/time.h"

/// MTA-STS (RFC 8461): what a domain says about the TLS of its mail servers.
namespace facteur::smtp {

/// The id in the TXT record of _mta-sts.DOMAIN; nothing when there is no such record, when there
/// are several, or when it is malformed (RFC 8461 section 3.1).
std::optional<std::string> sts_record_id(const std::vector<std::string>& texts);

struct StsPolicy {
    enum class Mode : std::uint8_t { none, testing, enforce };
    Mode mode = Mode::none;
    Seconds max_age{0};
    std::vector<std::string> mx;  ///< "mx.example.com", "*.example.com"; lower case

    /// RFC 8461 section 4.1: a wildcard stands for one label.
    bool allows(std::string_view host) const;
    bool operator==(const StsPolicy&) const = default;
};
/// The text of /.well-known/mta-sts.txt (RFC 8461 section 3.2); unknown fields are passed over.
Result<StsPolicy> parse_sts_policy(std::string_view text);

}  // namespace facteur::smtp
