#pragma once

#include <vector>

#include "lib/daemon/peer_count.h"
#include "lib/daemon/service.h"
#include "lib/event/signal.h"

namespace facteur::daemon {

/// Accepts connections from all listeners of a process, within the limits of its Service, and runs
/// each as a task of `sessions`.
class Acceptor {
public:
    Acceptor(Service& service, Scope& sessions, const std::vector<Listener>& listeners);

    void start();
    /// Stops accepting; what was accepted goes on.
    Task<void> stop();
    std::size_t connections() const { return connections_; }
    std::size_t accepted() const { return accepted_; }

private:
    Task<void> accept_from(const Listener& listener);
    Task<void> make_room();
    Task<void> rest_after(int error);
    void admit(Fd socket, const Listener& listener, const sockaddr& address);
    Task<void> run(Fd socket, const Listener& listener, std::string key);

    Service& service_;
    Scope& sessions_;
    const std::vector<Listener>& listeners_;
    Limits limits_;
    Scope accepting_;
    Signal ended_;
    PeerCount peers_;
    std::size_t connections_ = 0;
    std::size_t accepted_ = 0;
    bool exhausted_ = false;  ///< no descriptors or memory; logged
};

}  // namespace facteur::daemon
