#pragma once

#include <string>

#include "lib/net/tls_versions.h"

namespace facteur::smtpd {

struct TlsSettings;

/// OpenSSL's cipher list of a grade, without what is excluded.
std::string cipher_list(const TlsSettings& settings);

}  // namespace facteur::smtpd
