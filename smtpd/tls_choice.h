#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/net/tls_versions.h"

namespace facteur::smtpd {

struct TlsSettings;

/// Curves by smtpd_tls_eecdh_grade, for OpenSSL; empty: its own choice.
std::string curves(const TlsSettings& settings);
/// The numbers of tls_ssl_options.  The Error names the word that is none.
Result<std::uint64_t> ssl_options(const std::vector<std::string>& words);
/// The text of smtpd_tls_CAfile and of all files in smtpd_tls_CApath, before the sandbox hides
/// them; what cannot be read is logged.
std::string client_authorities(const TlsSettings& settings);

/// OpenSSL's cipher list of a grade, without what is excluded.
std::string cipher_list(const TlsSettings& settings);

}  // namespace facteur::smtpd
