#include "lmtp-local/flusher.h"

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"

namespace facteur::lmtp_local {

void Flusher::touched(const std::shared_ptr<User>& user) {
    domains_.try_emplace(user->store->flush_domain(), user);
}

void Flusher::add(Job job) {
    jobs_.push_back(std::move(job));
    work_.notify_all();
    if (jobs_.size() >= most_) hurried_.notify_all();
}

Task<bool> Flusher::flush_all() {
    std::map<std::uint64_t, std::shared_ptr<User>> domains = std::move(domains_);
    domains_.clear();
    bool good = true;
    for (auto& [domain, user] : domains) {
        Result<void> flushed = co_await user->store->flush();
        if (flushed) continue;
        log_error(flushed.error().text);
        good = false;
    }
    if (!good) domains_.merge(domains);
    co_return good;
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
        bool good = co_await flush_all();
        flushing_ = 0;
        if (good) {
            flushed_(std::move(batch));
        } else {
            // The queue keeps what is not flushed.  The failure is told once to each flush of a
            // file system: another try would succeed without the lost pages.
            log_error("mail that was written may not be on disk: restart lmtp-local to repeat it");
        }
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
