#include "qmgr/scheduler.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace facteur::qmgr {

namespace {

constexpr std::size_t kMostRemembered = 10000;
/// Looking for what may go next is bounded, whatever waits.
constexpr std::size_t kMostProbes = 64;
constexpr std::size_t kMostSizes = 100;
constexpr std::size_t kProbesPerSize = 8;

}  // namespace

struct Transport::Destination {
    std::string name;
    std::map<std::int64_t, std::deque<std::unique_ptr<Job>>> jobs;  ///< by part
    double window = 1;
    double success = 0;  ///< parts of a step up, or down
    double failure = 0;
    double failed_cohorts = 0;
    int busy = 0;
    bool probing = false;  ///< it was dead: one job shows whether it still is
    std::uint64_t turn = 0;
    TimePoint dead_until{};
    TimePoint rest_until{};
    spool::Progress reason;
    // Where it stands, so that it can be taken out again.
    bool is_ready = false;
    Ready ready{};
    bool is_resting = false;
};

struct Transport::Part {
    std::int64_t sequence = 0;
    const Message* message = nullptr;
    std::size_t waiting = 0;   ///< jobs
    std::size_t selected = 0;  ///< jobs that went
    std::size_t used = 0;      ///< slots that overtakers took
    TimePoint since{};
    std::set<Destination*> destinations;  ///< with jobs of it
};

Limits::Limits(const SchedulerSettings& settings, std::string_view transport, Seconds dead)
    : initial(settings.initial_concurrency(transport)),
      most(settings.concurrency_limit(transport)),
      recipients(static_cast<std::size_t>(settings.recipient_limit(transport))),
      positive(settings.positive_feedback(transport)),
      negative(settings.negative_feedback(transport)),
      cohorts(settings.cohort_failures(transport)),
      destination_delay(settings.destination_rate_delay(transport)),
      transport_delay(settings.transport_rate_delay(transport)),
      dead_time(dead),
      slot_cost(settings.slot_cost(transport)),
      slot_loan(settings.slot_loan(transport)),
      slot_discount(settings.slot_discount(transport)),
      least_slots(settings.least_slots(transport)) {
    if (most > 0) initial = std::min(initial, most);
    if (destination_delay.count() > 0) initial = most = 1;
}

Transport::Transport(std::string name, const Settings& settings)
    : name_(std::move(name)),
      limits_(settings.scheduler, name_, settings.minimal_backoff()),
      most_remembered_(kMostRemembered) {}

Transport::~Transport() = default;

std::string Transport::destination_of(const std::string& nexthop,
                                      const std::string& recipient) const {
    return limits_.recipients == 1 ? nexthop + " " + recipient : nexthop;
}

Transport::Destination& Transport::destination(const std::string& name) {
    auto& place = destinations_[name];
    if (!place) {
        place = std::make_unique<Destination>();
        place->name = name;
        place->window = limits_.initial;
    }
    return *place;
}

bool Transport::is_dead(const Destination& destination) {
    return Loop::current().now() < destination.dead_until;
}

const spool::Progress* Transport::suspended(const std::string& name) const {
    auto found = destinations_.find(name);
    if (found == destinations_.end() || !is_dead(*found->second)) return nullptr;
    return &found->second->reason;
}

bool Transport::has_room(const Destination& destination) const {
    if (destination.probing) return destination.busy == 0;
    return destination.busy < static_cast<int>(destination.window);
}

/// Puts the destination where next() finds it, or does not.
void Transport::update(Destination& destination) {
    if (destination.is_ready) ready_.erase(destination.ready);
    if (destination.is_resting) resting_.erase({destination.rest_until, &destination});
    destination.is_ready = destination.is_resting = false;
    if (Loop::current().now() < destination.rest_until) {
        destination.is_resting = true;
        resting_.emplace(destination.rest_until, &destination);
    } else if (!destination.jobs.empty() && has_room(destination)) {
        destination.is_ready = true;
        destination.ready = {destination.jobs.begin()->first, destination.turn, &destination};
        ready_.insert(destination.ready);
        work_.notify_all();
    }
}

void Transport::wake_rested() {
    while (!resting_.empty() && resting_.begin()->first <= Loop::current().now()) {
        Destination& rested = *resting_.begin()->second;
        resting_.erase(resting_.begin());
        rested.is_resting = false;
        rested.rest_until = TimePoint();
        update(rested);
        forget_if_idle(rested);
    }
}

TimePoint Transport::next_time() const {
    TimePoint when = resting_.empty() ? kNever : resting_.begin()->first;
    // While a job of it runs, its end is what starts the pause.
    if (limits_.transport_delay.count() > 0 && !ready_.empty() && running_ == 0) {
        when = std::min(when, rest_until_);
    }
    return when;
}

Transport::Part& Transport::part_for(Message& message, bool in_front) {
    auto& known = part_of_[&message];
    if (known) return *known;
    auto part = std::make_unique<Part>();
    // RFC 6710 section 5.1: a band of its own for each priority, the most urgent first.
    constexpr std::int64_t kBand = std::int64_t{1} << 50;
    const std::int64_t band = (9 - message.story.envelope.priority) * kBand;
    part->sequence = band + (in_front ? --first_ : ++last_);
    part->message = &message;
    part->since = Loop::current().now();
    known = part.get();
    by_size_[0].insert(part->sequence);
    parts_[part->sequence] = std::move(part);
    return *known;
}

/// Its number of waiting jobs changes; without any it is gone.
void Transport::resize(Part& part, std::ptrdiff_t change) {
    auto size = by_size_.find(part.waiting);
    size->second.erase(part.sequence);
    if (size->second.empty()) by_size_.erase(size);
    part.waiting = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(part.waiting) + change);
    if (part.waiting > 0) {
        by_size_[part.waiting].insert(part.sequence);
        return;
    }
    part_of_.erase(part.message);
    parts_.erase(part.sequence);
}

void Transport::put(std::unique_ptr<Job> job, bool in_front) {
    Destination& to = destination(job->destination);
    Part& part = part_for(*job->message, in_front);
    part.destinations.insert(&to);
    to.jobs[part.sequence].push_back(std::move(job));
    resize(part, 1);
    update(to);
}

void Transport::add(std::unique_ptr<Job> job) {
    put(std::move(job), false);
}

void Transport::add_again(std::unique_ptr<Job> job) {
    --destination(job->destination).busy;
    --running_;
    put(std::move(job), true);
}

void Transport::began(const std::string& name) {
    Destination& to = destination(name);
    ++to.busy;
    ++running_;
    update(to);
}

/// One with room that has a job of this message.
Transport::Destination* Transport::ready_destination(const Part& part) const {
    auto first = ready_.lower_bound(Ready{part.sequence, 0, nullptr});
    if (first != ready_.end() && first->sequence == part.sequence) return first->destination;
    std::size_t probes = 0;
    for (Destination* one : part.destinations) {
        if (one->is_ready) return one;
        if (++probes == kMostProbes) break;
    }
    return nullptr;
}

/// The message whose turn it is: the last overtaker that can go on, or the oldest one.
Transport::Part* Transport::current() {
    std::erase_if(overtakers_, [this](std::int64_t one) { return !parts_.contains(one); });
    for (auto one = overtakers_.rbegin(); one != overtakers_.rend(); ++one) {
        Part& part = *parts_[*one];
        if (ready_destination(part)) return &part;
    }
    return ready_.empty() ? nullptr : parts_[ready_.begin()->sequence].get();
}

/// The younger message with at most so many jobs that has waited longest for each of them.
Transport::Part* Transport::candidate(const Part& part, std::size_t most) {
    Part* best = nullptr;
    double best_ratio = 0;
    std::size_t sizes = 0;
    for (auto size = by_size_.begin(); size != by_size_.end() && size->first <= most; ++size) {
        if (++sizes > kMostSizes) break;
        std::size_t probes = 0;
        for (auto one = size->second.upper_bound(part.sequence); one != size->second.end(); ++one) {
            if (++probes > kProbesPerSize) break;
            Part& younger = *parts_[*one];
            if (!ready_destination(younger)) continue;
            auto waited = Loop::current().now() - younger.since + Milliseconds(1);
            double ratio = std::chrono::duration<double>(waited).count() /
                           static_cast<double>(younger.waiting);
            if (ratio > best_ratio) best = &younger;
            best_ratio = std::max(ratio, best_ratio);
            break;  // older ones of the same size have the better ratio
        }
    }
    return best;
}

/// Who may go before this message, if anybody: SCHEDULER_README, "job preemption".
Transport::Part* Transport::overtaking(const Part& part) {
    if (parts_.size() < 2 || limits_.slot_cost < 2) return nullptr;
    const auto cost = static_cast<std::size_t>(limits_.slot_cost);
    const std::size_t all = (part.selected + part.waiting) / cost;
    if (all < static_cast<std::size_t>(limits_.least_slots) || all <= part.used) return nullptr;
    // On credit, and for less than the price, for what is earned later.
    const double loan = limits_.slot_loan;
    const double earned = static_cast<double>(part.selected / cost) + loan;
    const double free = earned - static_cast<double>(part.used);
    if (free <= 0) return nullptr;
    const double price = (100.0 - limits_.slot_discount) / 100.0;
    const double affordable = price > 0 ? std::floor(free / price) : static_cast<double>(all);
    return candidate(part, std::min(all - part.used, static_cast<std::size_t>(affordable)));
}

std::unique_ptr<Job> Transport::next() {
    wake_rested();
    const bool paced = limits_.transport_delay.count() > 0;
    if (paced && (running_ > 0 || Loop::current().now() < rest_until_)) return nullptr;
    Part* part = current();
    if (!part) return nullptr;
    if (Part* other = overtaking(*part)) {
        part->used += other->waiting;
        overtakers_.push_back(other->sequence);
        part = other;
    }
    return take(*part);
}

std::unique_ptr<Job> Transport::take(Part& part) {
    Destination& from = *ready_destination(part);
    auto jobs = from.jobs.find(part.sequence);
    std::unique_ptr<Job> job = std::move(jobs->second.front());
    jobs->second.pop_front();
    if (jobs->second.empty()) {
        from.jobs.erase(jobs);
        part.destinations.erase(&from);
    }
    ++part.selected;
    resize(part, -1);
    ++from.busy;
    ++running_;
    from.turn = ++turn_;
    update(from);
    return job;
}

/// SCHEDULER_README, "concurrency scheduling": the window moves by whole steps once the feedback
/// has summed up to one.
void Transport::adjust(Destination& destination, Feedback feedback) const {
    if (feedback == Feedback::success) {
        destination.failed_cohorts = 0;
        destination.probing = false;
        const bool in_use = destination.window < destination.busy + limits_.initial;
        const bool may_grow = limits_.most == 0 || destination.window < limits_.most;
        if (!in_use || !may_grow) return;
        destination.success += limits_.positive.at(destination.window);
        destination.failure = 0;
        if (destination.success < 1) return;
        destination.success -= 1;
        destination.window += 1;
    } else if (feedback == Feedback::failure) {
        destination.failed_cohorts += 1.0 / destination.window;
        destination.failure += limits_.negative.at(destination.window);
        destination.success = 0;
        if (destination.failure < 1) return;
        destination.failure -= 1;
        destination.window = std::max(1.0, destination.window - 1);
    }
}

void Transport::take_jobs(Destination& destination, std::vector<std::unique_ptr<Job>>& jobs) {
    for (auto& [sequence, some] : destination.jobs) {
        Part& part = *parts_[sequence];
        part.destinations.erase(&destination);
        const auto count = static_cast<std::ptrdiff_t>(some.size());
        std::move(some.begin(), some.end(), std::back_inserter(jobs));
        resize(part, -count);
    }
    destination.jobs.clear();
}

std::vector<std::unique_ptr<Job>> Transport::suspend(Destination& destination,
                                                     const spool::Progress& reason) {
    destination.dead_until = Loop::current().now() + limits_.dead_time;
    destination.reason = reason;
    destination.failed_cohorts = 0;
    destination.success = destination.failure = 0;
    destination.window = limits_.initial;
    destination.probing = true;
    std::vector<std::unique_ptr<Job>> waiting;
    take_jobs(destination, waiting);
    return waiting;
}

std::vector<std::unique_ptr<Job>> Transport::ended(const std::string& name, Feedback feedback,
                                                   const spool::Progress& reason) {
    Destination& to = destination(name);
    const TimePoint now = Loop::current().now();
    adjust(to, feedback);
    --to.busy;
    --running_;
    if (limits_.transport_delay.count() > 0) {
        rest_until_ = now + limits_.transport_delay;
        work_.notify_all();
    }
    std::vector<std::unique_ptr<Job>> given_up;
    // A probe that fails says enough; several at once have to agree.
    const bool dead = limits_.cohorts > 0 && (to.probing || to.failed_cohorts >= limits_.cohorts);
    if (feedback == Feedback::failure && dead) given_up = suspend(to, reason);
    if (to.is_resting) resting_.erase({to.rest_until, &to});
    to.is_resting = false;
    if (limits_.destination_delay.count() > 0) to.rest_until = now + limits_.destination_delay;
    update(to);
    forget_if_idle(to);
    return given_up;
}

/// A destination that has failed is remembered, or mail that comes one by one would never see it
/// left alone; but not for ever.
bool Transport::is_idle(const Destination& destination) const {
    return destination.busy == 0 && destination.jobs.empty() && !destination.is_resting &&
           !is_dead(destination);
}

void Transport::forget_if_idle(Destination& destination) {
    if (is_idle(destination) && destination.failed_cohorts == 0 && !destination.probing) {
        destinations_.erase(destinations_.find(destination.name));
    } else if (destinations_.size() > most_remembered_) {
        std::erase_if(destinations_, [this](const auto& one) { return is_idle(*one.second); });
        most_remembered_ = std::max(kMostRemembered, 2 * destinations_.size());
    }
}

void Transport::revive() {
    for (auto& [name, destination] : destinations_)
        destination->dead_until = TimePoint();
}

std::vector<std::unique_ptr<Job>> Transport::take_all() {
    std::vector<std::unique_ptr<Job>> jobs;
    for (auto& [name, destination] : destinations_) {
        take_jobs(*destination, jobs);
        update(*destination);
    }
    std::erase_if(destinations_, [this](const auto& one) { return is_idle(*one.second); });
    return jobs;
}

}  // namespace facteur::qmgr
