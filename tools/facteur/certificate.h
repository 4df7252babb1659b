#pragma once

#include <string>

#include "lib/base/result.h"

namespace facteur::tool {

struct Certificate {
    std::string certificate;  ///< PEM
    std::string key;          ///< PEM, not encrypted
};

/// A self-signed certificate with a fresh EC key (P-256) for this host name, localhost and the
/// loopback addresses, good for ten years.
Result<Certificate> self_signed(const std::string& hostname);

}  // namespace facteur::tool
