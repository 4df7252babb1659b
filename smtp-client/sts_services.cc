#include "smtp-client/sts_services.h"

#include <functional>

#include "lib/base/log.h"
#include "lib/ipc/ways/memory.h"
#include "lib/smtp/tls_report.h"

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

Task<Result<HttpsPage>> exchange_page(const FetchGround& ground, HttpsQuestion question) {
    question.ca_pem = ground.ca_pem;
    question.limit = ground.settings.mta_sts_size();
    question.timeout = ground.settings.mta_sts_timeout();
    const Routing& routing = ground.routing;
    auto hosts = co_await dns::addresses_of(*routing.resolver, ground.scope, question.host,
                                            routing.ipv4, routing.ipv6);
    if (!hosts) co_return std::unexpected(hosts.error());
    question.addresses = std::move(hosts->addresses);
    // The thread goes on when the wait is cancelled, so it has a copy.
    std::function<Result<HttpsPage>()> work = [question] { return https_exchange(question); };
    co_return co_await ground.workers.run<Result<HttpsPage>>(std::move(work));
}

Task<Result<HttpsPage>> fetch_page(const FetchGround& ground, std::string domain) {
    HttpsQuestion question;
    question.host = "mta-sts." + domain;
    question.port = static_cast<std::uint16_t>(ground.settings.mta_sts_port());
    question.path = "/.well-known/mta-sts.txt";
    co_return co_await exchange_page(ground, std::move(question));
}

Task<Result<void>> post_report(const FetchGround& ground, std::string url, std::string body) {
    auto parts = smtp::parse_report_url(url);
    if (!parts) co_return permanent("no HTTPS address");
    HttpsQuestion question;
    question.host = parts->host;
    question.port = parts->port;
    question.path = parts->path;
    question.posted_type = "application/tlsrpt+gzip";
    question.posted = std::move(body);
    CO_TRY(HttpsPage page, co_await exchange_page(ground, std::move(question)));
    // RFC 8460 section 5.4: any 2xx is success.
    if (page.status / 100 == 2) co_return Result<void>();
    co_return temporary("status " + std::to_string(page.status));
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

TlsReporter::Post https_post(const Routing& routing, Scope& scope, WorkerPool& workers,
                             const SharedTlsSettings& settings, std::string ca_pem) {
    auto ground = std::make_shared<FetchGround>(
        FetchGround{routing, scope, workers, settings, std::move(ca_pem)});
    return [ground](std::string url, std::string body) {
        return post_report(*ground, std::move(url), std::move(body));
    };
}

StsPolicies::Limits sts_limits(const SharedTlsSettings& settings) {
    StsPolicies::Limits limits;
    limits.entries = static_cast<std::size_t>(settings.mta_sts_entries());
    limits.refresh = settings.mta_sts_refresh();
    limits.retry = settings.mta_sts_retry();
    return limits;
}

}  // namespace facteur::smtp_client
