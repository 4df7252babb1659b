#pragma once

#include <functional>

#include "lib/base/fd.h"
#include "lib/event/task.h"
#include "lib/event/timers.h"
#include "lib/net/address.h"

namespace facteur {

class Scope;

/// A non-blocking, close-on-exec listening socket.  A Unix path is unlinked first when nobody
/// listens there any more.  IPv6 sockets take IPv6 only.
Result<Fd> listen_on(const Address& address, int backlog = 1024);

/// Connects; the failure is a temporary Error "connect to …: Connection refused", and so is the
/// deadline.  `bind_to` gives the source address (smtp_bind_address).  Throws Cancelled only.
Task<Result<Fd>> connect_to(Scope& scope, Address address, TimePoint deadline = kNever,
                            Address bind_to = Address());

/// Hands each connection (non-blocking, close-on-exec) to `take` until the scope is cancelled.
/// Out of descriptors it waits a second and goes on.  `gate`, when given, is awaited before each
/// accept, so that a full process leaves connections to its siblings.
Task<void> accept_loop(Scope& scope, int listener, std::function<void(Fd)> take,
                       std::function<Task<void>()> gate = nullptr);

/// Two connected non-blocking Unix stream sockets.
Result<std::pair<Fd, Fd>> socket_pair();

/// The ends of a connected socket.
Address local_address(int fd);
Address peer_address(int fd);

}  // namespace facteur
