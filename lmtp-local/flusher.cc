#include "lmtp-local/flusher.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/spool/delays.h"

namespace facteur::lmtp_local {

std::uint64_t Flusher::touched(const std::shared_ptr<User>& user) {
    const std::uint64_t domain = user->box->flush_domain();
    domains_.try_emplace(domain, user);
    return domain;
}

void Flusher::add(Job job) {
    jobs_.push_back(std::move(job));
    work_.notify_all();
    if (jobs_.size() >= most_) hurried_.notify_all();
}

Task<Flusher::Failures> Flusher::flush_all() {
    std::map<std::uint64_t, std::shared_ptr<User>> domains = std::move(domains_);
    domains_.clear();
    Failures failures;
    for (auto& [domain, user] : domains) {
        Result<void> flushed = co_await user->box->flush();
        if (flushed) continue;
        log_error(flushed.error().text);
        failures.emplace(domain, std::move(flushed).error());
    }
    co_return failures;
}

/// The failure of a flush is told once: another try would succeed without the lost pages.  So the
/// jobs that wrote there fail, and the queue repeats them.
void Flusher::tell(std::vector<Job> batch, const Failures& failures) {
    if (!failures.empty()) failed_at_ = spool::wall_clock();
    for (const auto& [domain, error] : failures) {
        auto is_safe = [domain = domain](const Job& job) { return !job.domains.contains(domain); };
        auto lost = std::stable_partition(batch.begin(), batch.end(), is_safe);
        tell_(std::vector<Job>(lost, batch.end()), std::unexpected(error));
        batch.erase(lost, batch.end());
    }
    if (!batch.empty()) tell_(batch, Result<void>());
}

Task<void> Flusher::run() {
    for (;;) {
        while (jobs_.empty())
            co_await work_.wait(scope_);
        try {
            TimePoint deadline = Loop::current().now() + delay_;
            while (!hurry_ && jobs_.size() < most_)
                co_await hurried_.wait(scope_, deadline);
        } catch (const TimedOut&) {
        }
        std::vector<Job> batch = std::move(jobs_);
        jobs_.clear();
        flushing_ = batch.size();
        Failures failures = co_await flush_all();
        flushing_ = 0;
        tell(std::move(batch), failures);
        done_.notify_all();
    }
}

Task<void> Flusher::drain() {
    hurry_ = true;
    hurried_.notify_all();
    work_.notify_all();
    while (waiting() > 0)
        co_await done_.wait(scope_);
}

}  // namespace facteur::lmtp_local
