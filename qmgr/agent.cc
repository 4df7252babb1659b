#include "qmgr/agent.h"

#include <utility>

namespace facteur::qmgr {

void Agent::greet(ipc::AgentHello hello) {
    limit_ = hello.job_limit;
    for (ipc::JobReport& report : hello.unsettled)
        keep(std::move(report));
    for (ipc::RunningJob& job : hello.running)
        running_[job.queue_id].push_back(job);
}

void Agent::keep(ipc::JobReport report) {
    std::vector<ipc::JobReport>& kept = reports_[report.queue_id];
    std::erase_if(kept, [&](const ipc::JobReport& older) { return older.job == report.job; });
    kept.push_back(std::move(report));
}

void Agent::add(std::unique_ptr<Job> job) {
    ++working_;
    std::uint64_t number = job->number;
    jobs_[number] = std::move(job);
}

std::vector<ipc::JobReport> Agent::take_reports(const std::string& queue_id) {
    auto node = reports_.extract(queue_id);
    return node ? std::move(node.mapped()) : std::vector<ipc::JobReport>();
}

std::vector<ipc::RunningJob> Agent::take_running(const std::string& queue_id) {
    auto node = running_.extract(queue_id);
    return node ? std::move(node.mapped()) : std::vector<ipc::RunningJob>();
}

std::vector<std::string> Agent::kept() const {
    std::vector<std::string> ids;
    for (const auto& [id, reports] : reports_)
        ids.push_back(id);
    return ids;
}

Job* Agent::find(std::uint64_t number) {
    auto found = jobs_.find(number);
    return found == jobs_.end() ? nullptr : found->second.get();
}

std::unique_ptr<Job> Agent::take(std::uint64_t number) {
    auto node = jobs_.extract(number);
    return node ? std::move(node.mapped()) : nullptr;
}

void Agent::settle(std::uint64_t number) {
    if (gone_) return;
    ipc::JobSettled settled;
    settled.jobs.push_back(number);
    channel_.put(ipc::JobSettled::kName, 0, ipc::encode(settled));
}

std::vector<std::unique_ptr<Job>> Agent::lost() {
    gone_ = true;
    std::vector<std::unique_ptr<Job>> jobs;
    for (auto& [number, job] : jobs_)
        jobs.push_back(std::move(job));
    jobs_.clear();
    return jobs;
}

}  // namespace facteur::qmgr
