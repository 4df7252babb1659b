#include "smtp-client/sts_services.h"

#include <functional>

#include "lib/base/log.h"
#include "lib/ipc/ways/memory.h"

namespace facteur::smtp_client {
namespace {

constexpr const char* kArea = "sts";

struct FetchGround {
    const Routing& routing;
    Scope& scope;
    WorkerPool& workers;
    const SharedTlsSettings& settings;
    std::string ca_pem;
};

Task<Result<HttpsPage>> fetch_page(const FetchGround& ground, std::string domain) {
    HttpsQuestion question;
    question.host = "mta-sts." + domain;
    question.port = static_cast<std::uint16_t>(ground.settings.mta_sts_port());
    question.path = "/.well-known/mta-sts.txt";
    question.ca_pem = ground.ca_pem;
    question.limit = ground.settings.mta_sts_size();
    question.timeout = ground.settings.mta_sts_timeout();
    const Routing& routing = ground.routing;
    auto hosts = co_await dns::addresses_of(*routing.resolver, ground.scope, question.host,
                                            routing.ipv4, routing.ipv6);
    if (!hosts) co_return std::unexpected(hosts.error());
    question.addresses = std::move(hosts->addresses);
    // The thread goes on when the wait is cancelled, so it has a copy.
    std::function<Result<HttpsPage>()> work = [question] { return https_get(question); };
    co_return co_await ground.workers.run<Result<HttpsPage>>(std::move(work));
}

}  // namespace

Task<Result<std::map<std::string, std::string>>> PolicydMemory::recall() {
    std::map<std::string, std::string> all;
    std::string after;
    for (bool more = true; more;) {
        ipc::Recall question;
        question.area = kArea;
        question.after = after;
        auto answer = co_await policyd_.call(std::move(question));
        if (!answer) co_return std::unexpected(answer.error());
        for (ipc::Memory& memory : answer->message.memories) {
            after = memory.key;
            all[memory.key] = std::move(memory.value);
        }
        more = answer->message.more && !answer->message.memories.empty();
    }
    co_return all;
}

Task<void> PolicydMemory::remember(std::string domain, std::string value) {
    ipc::Remember wish;
    wish.area = kArea;
    wish.key = std::move(domain);
    wish.value = std::move(value);
    auto done = co_await policyd_.call(std::move(wish));
    if (!done) log_warning("MTA-STS policies: " + done.error().text);
}

Task<void> PolicydMemory::forget(std::string domain) {
    ipc::Forget wish;
    wish.area = kArea;
    wish.key = std::move(domain);
    auto done = co_await policyd_.call(std::move(wish));
    if (!done) log_warning("MTA-STS policies: " + done.error().text);
}

StsPolicies::Fetch https_fetch(const Routing& routing, Scope& scope, WorkerPool& workers,
                               const SharedTlsSettings& settings, std::string ca_pem) {
    auto ground = std::make_shared<FetchGround>(
        FetchGround{routing, scope, workers, settings, std::move(ca_pem)});
    return [ground](std::string domain) { return fetch_page(*ground, std::move(domain)); };
}

StsPolicies::Limits sts_limits(const SharedTlsSettings& settings) {
    StsPolicies::Limits limits;
    limits.entries = static_cast<std::size_t>(settings.mta_sts_entries());
    limits.refresh = settings.mta_sts_refresh();
    limits.retry = settings.mta_sts_retry();
    return limits;
}

}  // namespace facteur::smtp_client
