#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "master/generation.h"
#include "master/service.h"
#include "master/sockets.h"

namespace facteur::master {

/// All services of one mail system: their sockets, their start, reload and ordered stop.
class Supervisor {
public:
    /// `lock` is inherited by every worker.
    Supervisor(Scope& scope, int lock) : scope_(scope), lock_(lock) {}

    /// Opens the sockets and starts the workers; an Error leaves nothing changed.  The first call
    /// starts the system, each later one is a reload.
    Result<void> apply(std::shared_ptr<const Generation> generation);
    /// Until each service has a worker that accepts, or the limit passes; the names of those that
    /// have none.
    Task<std::string> wait_until_up(Milliseconds limit);
    /// Sessions first, then the delivery agents, then the queue manager, then those whom it asked.
    Task<void> stop();
    /// One line a worker, for `facteur status`.
    Task<std::string> status();
    const Generation& generation() const { return *generation_; }

private:
    using Sockets = std::map<std::string, Fd, std::less<>>;
    using Assignments = std::map<std::string, std::vector<Assigned>, std::less<>>;
    Result<Assignments> assign(const Generation& generation, Sockets& opened) const;
    Task<void> stop_step(int step);

    Scope& scope_;
    Slots slots_;
    int lock_;
    std::shared_ptr<const Generation> generation_;
    Sockets sockets_;  ///< by identity
    /// By ServiceLine::key().  A service that a reload removed stays here, without workers.
    std::map<std::string, std::unique_ptr<Service>> services_;
};

/// `join NAME`: the service whose workers get this line's socket; empty for other lines.
std::string joined(const conf::ServiceLine& line);

/// When a service is stopped: 0 first.
int stop_order(const conf::ServiceLine& line);

}  // namespace facteur::master
