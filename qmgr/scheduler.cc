#include "qmgr/scheduler.h"

#include <algorithm>
#include <iterator>

namespace facteur::qmgr {

namespace {

constexpr std::size_t kMostRemembered = 10000;

}  // namespace

Transport::Transport(std::string name, const Settings& settings)
    : name_(std::move(name)), settings_(settings) {}

Transport::Destination& Transport::destination(const std::string& nexthop) {
    auto& place = destinations_[nexthop];
    if (!place) {
        place = std::make_unique<Destination>();
        place->nexthop = nexthop;
        place->window = settings_.initial_concurrency();
    }
    return *place;
}

bool Transport::is_dead(const Destination& destination) {
    return Loop::current().now() < destination.dead_until;
}

const spool::Progress* Transport::suspended(const std::string& nexthop) const {
    auto found = destinations_.find(nexthop);
    if (found == destinations_.end() || !is_dead(*found->second)) return nullptr;
    return &found->second->reason;
}

void Transport::into_round(Destination& destination) {
    const bool room = destination.busy < static_cast<int>(destination.window);
    if (destination.in_turn || destination.jobs.empty() || !room) return;
    destination.in_turn = true;
    round_.push_back(&destination);
    work_.notify_all();
}

void Transport::add(std::unique_ptr<Job> job) {
    Destination& to = destination(job->nexthop);
    to.jobs.push_back(std::move(job));
    into_round(to);
}

void Transport::add_again(std::unique_ptr<Job> job) {
    Destination& to = destination(job->nexthop);
    --to.busy;
    to.jobs.push_front(std::move(job));
    into_round(to);
}

std::unique_ptr<Job> Transport::next() {
    if (round_.empty()) return nullptr;
    Destination& from = *round_.front();
    round_.pop_front();
    from.in_turn = false;
    auto job = std::move(from.jobs.front());
    from.jobs.pop_front();
    ++from.busy;
    into_round(from);
    return job;
}

/// Postfix's feedback with its default of 1 and 1: up by one with each success while the window is
/// in use, down by one with each failure.
void Transport::adjust(Destination& destination, Feedback feedback) const {
    if (feedback == Feedback::success) {
        destination.failed_cohorts = 0;
        const bool in_use = destination.window < destination.busy + settings_.initial_concurrency();
        if (in_use && destination.window < settings_.concurrency_limit()) destination.window += 1;
    } else if (feedback == Feedback::failure) {
        destination.failed_cohorts += 1.0 / destination.window;
        destination.window = std::max(1.0, destination.window - 1);
    }
}

std::vector<std::unique_ptr<Job>> Transport::suspend(Destination& destination,
                                                     const spool::Progress& reason) {
    destination.dead_until = Loop::current().now() + settings_.minimal_backoff();
    destination.reason = reason;
    destination.failed_cohorts = 0;
    destination.window = settings_.initial_concurrency();
    destination.in_turn = false;
    std::erase(round_, &destination);
    std::vector<std::unique_ptr<Job>> waiting(std::make_move_iterator(destination.jobs.begin()),
                                              std::make_move_iterator(destination.jobs.end()));
    destination.jobs.clear();
    return waiting;
}

std::vector<std::unique_ptr<Job>> Transport::ended(const std::string& nexthop, Feedback feedback,
                                                   const spool::Progress& reason) {
    Destination& to = destination(nexthop);
    adjust(to, feedback);
    --to.busy;
    std::vector<std::unique_ptr<Job>> given_up;
    if (feedback == Feedback::failure && to.failed_cohorts >= settings_.cohort_failures()) {
        given_up = suspend(to, reason);
    }
    into_round(to);
    forget_if_idle(to);
    return given_up;
}

/// A destination that has failed is remembered, or mail that comes one by one would never see it
/// left alone; but not for ever.
void Transport::forget_if_idle(Destination& destination) {
    if (destination.busy > 0 || !destination.jobs.empty() || is_dead(destination)) return;
    if (destination.failed_cohorts == 0) {
        destinations_.erase(destinations_.find(destination.nexthop));
    } else if (destinations_.size() > kMostRemembered) {
        std::erase_if(destinations_, [](const auto& entry) {
            return entry.second->busy == 0 && entry.second->jobs.empty() && !is_dead(*entry.second);
        });
    }
}

void Transport::revive() {
    for (auto& [nexthop, destination] : destinations_)
        destination->dead_until = TimePoint();
}

std::vector<std::unique_ptr<Job>> Transport::take_all() {
    std::vector<std::unique_ptr<Job>> jobs;
    round_.clear();
    for (auto& [nexthop, destination] : destinations_) {
        std::move(destination->jobs.begin(), destination->jobs.end(), std::back_inserter(jobs));
        destination->jobs.clear();
        destination->in_turn = false;
    }
    std::erase_if(destinations_, [](const auto& entry) {
        return entry.second->busy == 0 && !is_dead(*entry.second);
    });
    return jobs;
}

}  // namespace facteur::qmgr
