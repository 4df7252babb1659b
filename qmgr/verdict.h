#pragma once

#include <string>
#include <string_view>

#include "lib/ipc/ways/delivery.h"
#include "lib/spool/story.h"

namespace facteur::qmgr {

/// A recipient waits for another attempt, for this reason.
spool::Progress deferred(std::string status, std::string text);
/// What waits because its destination is left alone: "delivery temporarily suspended: …".
spool::Progress suspension(spool::Progress reason);
/// Failed with status 5.…, waiting otherwise.
spool::Progress verdict(std::string status, std::string text);
/// "5.1.1 User unknown" as a nexthop of the transports error: and retry:.
spool::Progress verdict_of(std::string_view nexthop, std::string_view default_status);
/// What an agent says of a recipient of this message; takes its words.
spool::Progress progress_of(ipc::RecipientResult& result, const spool::Envelope& envelope);

}  // namespace facteur::qmgr
