#include "smtp-client/agent.h"

namespace facteur::smtp_client {

Agent::Agent(Surroundings& surroundings, std::uint32_t job_limit, std::string path)
    : around_(surroundings),
      path_(std::move(path)),
      talking_(surroundings.scope),
      talk_(surroundings.scope, talking_, job_limit,
            [this](ipc::Job job, Fd content, ipc::AgentTalk::Progress progress) {
                return work(std::move(job), std::move(content), std::move(progress));
            }) {
    surroundings.heard = [this] { return talk_.heard(); };
}

Task<ipc::JobReport> Agent::work(ipc::Job job, Fd content, ipc::AgentTalk::Progress progress) {
    Delivery delivery(around_, std::move(job), std::move(content), std::move(progress));
    co_return co_await delivery.run();
}

Task<void> Agent::drain() {
    co_await talk_.finish(path_);
    // What qmgr does not record now it will ask of our successor, which knows nothing of it: the
    // mail would go out again.
    constexpr Seconds kPatience{30};
    co_await talk_.recorded(kPatience, true);
    around_.cache.clear();
    talking_.cancel();
}

}  // namespace facteur::smtp_client
