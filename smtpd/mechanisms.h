#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/event/task.h"
#include "smtpd/backend.h"

namespace facteur::smtpd {

/// Whether a SASL mechanism has what *_sasl_security_options demand: noplaintext, noactive,
/// nodictionary, noanonymous, forward_secrecy, mutual_auth (postconf(5)).
bool is_secure_enough(std::string_view mechanism, const std::vector<std::string>& options);
/// A word that is none of them; empty: all are.
std::string unknown_security_option(const std::vector<std::string>& options);

/// smtpd_sasl_mechanism_filter: the first pattern that matches decides; "!" in front excludes.
Task<bool> passes_filter(Backend& backend, std::vector<std::string> patterns,
                         std::string mechanism);

}  // namespace facteur::smtpd
