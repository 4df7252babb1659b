#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/ipc/client.h"
#include "lib/ipc/ways/delivery.h"

namespace facteur::lmtp_local {

/// default_delivery_status_filter and those by agent: other words for what became of a recipient,
/// where `tables` (the value of `parameter`) have them.  Good news stay good, and bad news bad.
Task<void> filter_status(ipc::Client& addressd, std::vector<std::string> tables,
                         std::string parameter, ipc::RecipientResult& result);

}  // namespace facteur::lmtp_local
