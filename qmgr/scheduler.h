#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/signal.h"
#include "qmgr/message.h"
#include "qmgr/settings.h"

namespace facteur::qmgr {

/// How a job went, as far as its destination is concerned.
enum class Feedback { success, neutral, failure };

/// All destinations of one transport and how many jobs each may have running, as Postfix's
/// SCHEDULER_README has it.  They are served in turn: a destination with a million messages does
/// not delay one with a single one.
class Transport {
public:
    Transport(std::string name, const Settings& settings);
    const std::string& name() const { return name_; }

    void add(std::unique_ptr<Job> job);
    /// To the front: it was running when its agent went away.
    void add_again(std::unique_ptr<Job> job);
    /// The next job whose destination has room in its window; it counts as running.
    std::unique_ptr<Job> next();
    /// A job for it runs that next() did not give.
    void began(const std::string& nexthop) { ++destination(nexthop).busy; }
    /// A running job has ended.  On the failure that makes the destination dead, its waiting jobs
    /// are returned.
    std::vector<std::unique_ptr<Job>> ended(const std::string& nexthop, Feedback feedback,
                                            const spool::Progress& reason = spool::Progress());
    /// Why the destination is left alone for a while; nullptr: it is not.
    const spool::Progress* suspended(const std::string& nexthop) const;
    /// Every destination may be tried at once again.
    void revive();
    /// All waiting jobs: no agent takes them.
    std::vector<std::unique_ptr<Job>> take_all();

    /// Notified when next() may have something.
    Signal& work() { return work_; }

private:
    struct Destination {
        std::string nexthop;
        std::deque<std::unique_ptr<Job>> jobs;
        double window = 1;
        double failed_cohorts = 0;
        int busy = 0;
        bool in_turn = false;  ///< in round_
        TimePoint dead_until{};
        spool::Progress reason;
    };

    Destination& destination(const std::string& nexthop);
    void into_round(Destination& destination);
    void adjust(Destination& destination, Feedback feedback) const;
    std::vector<std::unique_ptr<Job>> suspend(Destination& destination,
                                              const spool::Progress& reason);
    void forget_if_idle(Destination& destination);
    static bool is_dead(const Destination& destination);

    std::string name_;
    const Settings& settings_;
    std::map<std::string, std::unique_ptr<Destination>, std::less<>> destinations_;
    std::deque<Destination*> round_;  ///< those with jobs and room
    Signal work_;
};

}  // namespace facteur::qmgr
