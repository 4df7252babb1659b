#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "master/backoff.h"
#include "master/generation.h"
#include "master/worker.h"

namespace facteur::master {

/// A socket as a worker gets it.
struct Assigned {
    std::string name;  ///< "inet:smtp", as in FACTEUR_SOCKETS
    int fd;
};

/// One service of master.cf: keeps the right number of its workers running, and replaces them
/// on reload.
///
/// The first worker says with "ready" whether the daemon is one of a kind.  If it is not, more are
/// started up to the limit, and on reload old and new ones overlap: the old ones stop accepting as
/// soon as a new one is ready, and live as long as their sessions.  If it is, the old one is
/// drained first; connections wait in the backlog of the socket, which never closes.
class Service {
public:
    Service(Scope& scope, Slots& slots, int lock);

    /// Takes a (new) configuration over and brings the workers to it.
    void configure(std::shared_ptr<const Generation> generation, conf::ServiceLine line,
                   std::vector<Assigned> sockets);
    /// No longer in master.cf: what runs is drained, nothing is started.
    void retire();
    /// Ends all workers now; returns when they are gone, killed at the latest after `limit`.
    Task<void> stop(Milliseconds limit);

    const conf::ServiceLine& line() const { return line_; }
    bool empty() const { return workers_.empty(); }
    bool is_retired() const { return ending_; }
    /// A worker of the current generation accepts.
    bool is_up() const;
    /// Waits until something changed: a worker became ready, answered, or ended.
    Signal& changed() { return changed_; }
    void ask_status();
    bool has_answered() const;
    /// One line a worker, fields separated by TAB.
    std::string status() const;

private:
    using Place = std::list<Worker>::iterator;
    Place find(pid_t pid);
    void refill();
    bool wants_more() const;
    int wanted() const;
    Result<void> start_one();
    std::vector<std::string> arguments(unsigned slot) const;
    std::vector<std::string> environment() const;
    Task<void> listen(Place worker);
    Task<void> await_end(Place worker);
    Task<void> refill_later(Milliseconds delay);
    Task<void> hurry(Place worker);
    Task<void> wake_regularly();
    void obey(Worker& worker, std::string_view text);
    void drain_others();
    void ended(Place worker, int status);
    void start_failed(const std::string& why, Milliseconds lived);

    enum class Kind { unknown, sessions, single };

    Scope& scope_;
    Slots& slots_;
    int lock_;
    Kind kind_ = Kind::unknown;
    std::shared_ptr<const Generation> generation_;
    conf::ServiceLine line_;
    std::vector<Assigned> sockets_;
    std::list<Worker> workers_;
    Backoff backoff_;
    Signal changed_;
    bool throttled_ = false;
    bool ending_ = false;
    bool wakes_ = false;
};

}  // namespace facteur::master
