#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/ipc/ways/policy.h"

namespace facteur::smtpd {

struct Facts;
struct PolicySettings;

/// What one check_policy_service asks, and how: the parameters smtpd_policy_service_*, over which
/// those in braces win.
struct PolicyService {
    ipc::Delegate question;  ///< without attributes
    std::string default_action;
    std::string context;

    /// argument: "inet:host:port", "unix:path", or "{ inet:host:port, timeout = 10s, … }".
    static Result<PolicyService> parse(std::string_view argument, const PolicySettings& settings);
};

/// What Postfix 3.7's SMTPD_POLICY_README lists, in its order.
std::vector<std::string> policy_attributes(const Facts& facts, std::string_view context);

}  // namespace facteur::smtpd
