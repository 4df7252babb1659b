#pragma once

#include <string>

#include "lib/net/stream.h"
#include "lmtp-local/deliverer.h"
#include "lmtp-local/settings.h"

namespace facteur::lmtp_local {

/// Dovecot's quota-status: Postfix's policy protocol (SMTPD_POLICY_README), where smtpd asks at
/// RCPT whether the recipient's mailbox has room.
class QuotaStatus {
public:
    QuotaStatus(Stream& stream, Deliverer& deliverer, const Settings& settings)
        : stream_(stream), deliverer_(deliverer), settings_(settings) {}

    /// Never throws.
    Task<void> run();

private:
    Task<void> converse();
    Task<std::string> action(std::string recipient, std::uint64_t size);
    std::string refusal(const Error& error) const;

    Stream& stream_;
    Deliverer& deliverer_;
    const Settings& settings_;
};

}  // namespace facteur::lmtp_local
