#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "lib/event/signal.h"
#include "qmgr/message.h"
#include "qmgr/settings.h"

namespace facteur::qmgr {

/// How a job went, as far as its destination is concerned.
enum class Feedback { success, neutral, failure };

/// What the parameters say for one transport.
struct Limits {
    Limits(const SchedulerSettings& settings, std::string_view transport, Seconds dead_time);

    double initial, most;  ///< concurrency of a destination
    std::size_t recipients;
    Growth positive, negative;
    int cohorts;
    Seconds destination_delay, transport_delay, dead_time;
    int slot_cost, slot_loan, slot_discount, least_slots;
};

/// The jobs of one transport that wait, in the order in which they leave, after Postfix's
/// SCHEDULER_README.
///
/// Each destination has a window: how many of its jobs may run at once.  It grows with success and
/// shrinks with failure, and a destination that only fails is left alone for a while.
///
/// Messages go oldest first, as far as their destinations have room.  One with many jobs (a large
/// mailing) may be overtaken: for every `slot_cost` jobs of its own it earns a slot, and a younger
/// message with few jobs goes first when there are slots for all of them.  So a mailing is slowed
/// down by at most one part in slot_cost, and others hardly notice it.
class Transport {
public:
    Transport(std::string name, const Settings& settings);
    ~Transport();
    const std::string& name() const { return name_; }
    const Limits& limits() const { return limits_; }

    /// What the windows and the memory of failures are for: the nexthop, or, when a job has one
    /// recipient, the recipient.
    std::string destination_of(const std::string& nexthop, const std::string& recipient) const;

    void add(std::unique_ptr<Job> job);
    /// To the front: it was running when its agent went away.
    void add_again(std::unique_ptr<Job> job);
    /// The next job; it counts as running.
    std::unique_ptr<Job> next();
    /// A job for it runs that next() did not give.
    void began(const std::string& destination);
    /// A running job has ended.  On the failure that makes the destination dead, its waiting jobs
    /// are returned.
    std::vector<std::unique_ptr<Job>> ended(const std::string& destination, Feedback feedback,
                                            const spool::Progress& reason = spool::Progress());
    /// Why the destination is left alone for a while; nullptr: it is not.
    const spool::Progress* suspended(const std::string& destination) const;
    /// Every destination may be tried at once again.
    void revive();
    /// All waiting jobs: no agent takes them.
    std::vector<std::unique_ptr<Job>> take_all();

    /// Notified when next() may have something.
    Signal& work() { return work_; }
    /// When next() may have something though nothing was notified: a pause is over.
    TimePoint next_time() const;

private:
    struct Part;  ///< a message with the jobs of it that wait here
    struct Destination;
    /// Destinations with room, by the oldest message that they have, in turn.
    struct Ready {
        std::int64_t sequence;
        std::uint64_t turn;
        Destination* destination;
        auto operator<=>(const Ready&) const = default;
    };

    Destination& destination(const std::string& name);
    void put(std::unique_ptr<Job> job, bool in_front);
    Part& part_for(Message& message, bool in_front);
    void resize(Part& part, std::ptrdiff_t change);
    void update(Destination& destination);
    void wake_rested();
    bool has_room(const Destination& destination) const;
    Destination* ready_destination(const Part& part) const;
    Part* current();
    Part* overtaking(const Part& part);
    Part* candidate(const Part& part, std::size_t most);
    std::unique_ptr<Job> take(Part& part);
    void adjust(Destination& destination, Feedback feedback) const;
    std::vector<std::unique_ptr<Job>> suspend(Destination& destination,
                                              const spool::Progress& reason);
    void take_jobs(Destination& destination, std::vector<std::unique_ptr<Job>>& jobs);
    bool is_idle(const Destination& destination) const;
    void forget_if_idle(Destination& destination);
    static bool is_dead(const Destination& destination);

    std::string name_;
    Limits limits_;
    std::map<std::string, std::unique_ptr<Destination>, std::less<>> destinations_;
    std::set<Ready> ready_;
    std::set<std::pair<TimePoint, Destination*>> resting_;
    std::map<std::int64_t, std::unique_ptr<Part>> parts_;  ///< by age
    std::unordered_map<const Message*, Part*> part_of_;
    std::map<std::size_t, std::set<std::int64_t>> by_size_;  ///< number of jobs to parts
    std::vector<std::int64_t> overtakers_;                   ///< the last one goes first
    std::int64_t first_ = 0;
    std::int64_t last_ = 0;
    std::uint64_t turn_ = 0;
    std::size_t running_ = 0;
    std::size_t most_remembered_;
    TimePoint rest_until_{};  ///< of the whole transport
    Signal work_;
};

}  // namespace facteur::qmgr
