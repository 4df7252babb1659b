#pragma once

#include <cstddef>
#include <string>

#include "lib/base/fd.h"
#include "lib/event/scope.h"
#include "lib/event/task.h"
#include "lib/event/worker.h"

namespace facteur::daemon {

class Nursery;
struct Settings;

/// One listening socket that master opened.
struct Listener {
    std::string service;  ///< master.cf's name: "smtp", "127.0.0.1:2525", "queue-admin"
    bool is_inet = false;
    Fd fd;
};

/// What a Service is given: the surroundings of its work.  Lives as long as the process.
class Process {
public:
    virtual ~Process() = default;
    /// -n: the name of the service in master.cf; log lines carry it ("facteur/smtpd").
    virtual const std::string& service() const = 0;
    /// A small number that no other running worker of this instance has (for queue ids).
    virtual unsigned slot() const = 0;
    virtual const Settings& settings() const = 0;
    /// Background work; cancelled once drain() returned and the sessions ended.
    virtual Scope& scope() = 0;
    /// Sessions; cancelled when they must end at once (each says its 421 or BYE).
    virtual Scope& sessions() = 0;
    virtual WorkerPool& workers() = 0;
    virtual bool draining() const = 0;
    /// Where child processes come from; nullptr without Description::offspring.
    virtual Nursery* nursery() { return nullptr; }
    /// The service cannot go on: logs, ends as if master had said stop, exit status 1.
    virtual void fail(std::string reason) = 0;
};

/// Connections that one process takes at a time.
struct Limits {
    std::size_t connections =
        10000;  ///< at this number it stops accepting; others or the backlog take them
    std::size_t per_client = 0;  ///< from one network address (IPv6: one /64); 0: no limit
};

/// A daemon's own part.  Its constructor runs before the privileges are given up: it opens what
/// the sandbox will hide, and starts no threads.  Everything else runs inside the sandbox.
class Service {
public:
    explicit Service(Process& process) : process_(process) {}
    virtual ~Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// Before the first connection is accepted.  An exception ends the process; master retries.
    virtual Task<void> start();
    virtual Limits limits() const;
    /// One accepted, non-blocking connection, running in process().sessions(); it counts against
    /// the limits until the task ends.  Handles its own Disconnect.
    virtual Task<void> connection(Fd socket, const Listener& listener) = 0;
    /// What a client hears that is over limits().per_client: a whole reply line, or nothing.
    virtual std::string refusal(const std::string& client_address);
    /// Such a client is not counted at all (smtpd_client_event_limit_exceptions).
    virtual bool is_exempt(const std::string& client_address) const;
    /// Asked to end, accepting has stopped.  Session daemons may tell their sessions, which the
    /// process lets end by themselves.  Single daemons finish what is in their hands
    /// here; when it returns their connections are closed.
    virtual Task<void> drain();
    /// master.cf's wakeup column.
    virtual void wakeup();
    /// Appended to the worker's line in `facteur status`: "queued=12".
    virtual std::string status() const;

protected:
    Process& process() const { return process_; }

private:
    Process& process_;
};

}  // namespace facteur::daemon
