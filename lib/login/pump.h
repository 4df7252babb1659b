#pragma once

#include "lib/event/task.h"
#include "lib/net/stream.h"

namespace facteur::login {

/// Carries bytes both ways between a TLS client and its mailbox stage until the latter closes; what
/// it had sent still arrives.  When the client says no more, the mailbox stage is told, and its
/// answers go on.  Never throws.  While nothing moves it holds no buffer.
/// connection: the Scope of both streams and of nothing else; it ends cancelled.
Task<void> pump(Scope& connection, Stream& client, Stream& mailbox);

}  // namespace facteur::login
