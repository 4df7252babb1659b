#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur {

/// The oldest and the newest TLS version of a list as postconf(5) has it: ">=TLSv1.2", "<=TLSv1.3",
/// "!SSLv3, !TLSv1", "TLSv1.2, TLSv1.3".
struct TlsVersions {
    std::string oldest;  ///< empty: whatever OpenSSL has
    std::string newest;
    bool operator==(const TlsVersions&) const = default;
};

/// An Error for a name that is none, for nothing left, and for versions left out in the middle,
/// which a handshake cannot express.
Result<TlsVersions> parse_tls_versions(std::string_view text);

}  // namespace facteur
