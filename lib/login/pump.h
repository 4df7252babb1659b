#pragma once

#include "lib/event/task.h"
#include "lib/net/stream.h"

namespace facteur::login {

/// Carries bytes both ways between a TLS client and its mailbox stage until one of them closes;
/// what that one had sent still arrives.  Never throws.  While nothing moves it holds no buffer.
/// connection: the Scope of both streams and of nothing else; it ends cancelled.
Task<void> pump(Scope& connection, Stream& client, Stream& mailbox);

}  // namespace facteur::login
