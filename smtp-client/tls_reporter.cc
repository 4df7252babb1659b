#include "smtp-client/tls_reporter.h"

#include <openssl/x509_vfy.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/sleep.h"
#include "lib/smtp/mta_sts.h"
#include "lib/smtp/tls_report.h"

namespace facteur::smtp_client {
namespace {

/// Sessions that wait for the name service or policyd; more are not counted.
constexpr std::size_t kMostWaiting = 1000;
constexpr Seconds kUploadRound{10};

bool uses_dane(const TlsPolicy& policy) {
    return !policy.tlsa.empty();
}

}  // namespace

std::string failure_type(const TlsInfo& info, bool dane) {
    switch (info.why_code) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
            return "certificate-host-mismatch";
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "certificate-expired";
        default:
            return dane ? "validation-failure" : "certificate-not-trusted";
    }
}

ipc::TlsResult policy_result(const std::string& domain, const TlsPolicy& policy,
                             const Target& target) {
    ipc::TlsResult result;
    result.domain = to_lower(domain);
    result.server = to_lower(target.name);
    result.server_address = target.address.ip();
    result.policy_type = "no-policy-found";
    if (uses_dane(policy)) {
        result.policy_type = "tlsa";
        for (const auto& one : policy.tlsa)
            result.policy.push_back(std::to_string(one.usage) + " " + std::to_string(one.selector) +
                                    " " + std::to_string(one.matching) + " " +
                                    hex_encode(one.data));
    } else if (!policy.sts_text.empty()) {
        result.policy_type = "sts";
        for (std::string_view line : split(policy.sts_text, '\n')) {
            if (!trim(line).empty()) result.policy.emplace_back(trim(line));
        }
        if (auto parsed = smtp::parse_sts_policy(policy.sts_text)) result.patterns = parsed->mx;
    }
    return result;
}

TlsReporter::TlsReporter(Scope& scope, dns::Resolver& resolver, ipc::Client& policyd,
                         bool skip_reused, Post post)
    : resolver_(resolver),
      policyd_(policyd),
      skip_reused_(skip_reused),
      post_(std::move(post)),
      running_(scope) {}

void TlsReporter::start() {
    if (post_) running_.spawn(post_reports());
}

void TlsReporter::opened(const std::string& domain, const Conversation& conversation,
                         const Trouble* trouble) {
    const TlsPolicy& policy = conversation.manner().tls;
    const TlsInfo* tls = conversation.tls();
    ipc::TlsResult result = policy_result(domain, policy, conversation.target());
    result.client_address = conversation.local_ip();
    // RFC 8460 section 4.3.2.2: a policy that cannot be had is a failure of its own.
    if (!policy.sts_failure.empty() && policy.sts_text.empty()) {
        ipc::TlsResult missing = result;
        missing.policy_type = "sts";
        missing.policy.clear();
        missing.failure = policy.sts_failure;
        tell(std::move(missing));
    }
    if (trouble) {
        result.failure = trouble->tls_failure;
        result.reason = tls ? tls->why : std::string();
        if (result.failure.empty()) return;  // it failed for something else
    } else if (policy.level == TlsLevel::none) {
        return;
    } else if (!tls) {
        // Nobody demands it, but it is what the domain wants to know.
        if (!conversation.offered_starttls()) result.failure = "starttls-not-supported";
        if (result.failure.empty()) return;
    } else if (tls->resumed && skip_reused_) {
        return;
    } else if (policy.sts_testing && policy.sts_misfit) {
        result.failure = "validation-failure";
        result.reason = "MX host is not in the policy";
    } else if (policy.sts_testing && tls->trust != TlsInfo::Trust::verified) {
        result.failure = failure_type(*tls, false);
        result.reason = tls->why;
    }
    tell(std::move(result));
}

void TlsReporter::forbidden(const std::string& domain, const TlsPolicy& policy,
                            const Target& target, const Error& error) {
    ipc::TlsResult result = policy_result(domain, policy, target);
    const bool dane = policy.level == TlsLevel::dane || policy.level == TlsLevel::dane_only;
    if (dane) result.policy_type = "tlsa";
    // RFC 8460 section 4.3.2.1; for MTA-STS no better word was agreed upon.
    result.failure = dane ? "dnssec-invalid" : "validation-failure";
    if (!dane) result.policy_type = "sts";
    result.reason = error.text;
    tell(std::move(result));
}

void TlsReporter::tell(ipc::TlsResult result) {
    if (waiting_ >= kMostWaiting) return;
    ++waiting_;
    running_.spawn(tell_policyd(std::move(result)));
}

Task<void> TlsReporter::tell_policyd(ipc::TlsResult result) {
    try {
        auto record =
            co_await resolver_.query(running_, "_smtp._tls." + result.domain, dns::Type::txt);
        if (record) {
            std::vector<std::string> texts;
            for (const dns::Record& one : record->records)
                if (one.type == dns::Type::txt) texts.push_back(one.data);
            smtp::ReportTargets targets = smtp::report_targets(texts);
            if (!targets.empty()) {
                result.addresses = std::move(targets.addresses);
                result.urls = std::move(targets.urls);
                auto told = co_await policyd_.call(std::move(result));
                if (!told) log_warning("TLS reports: " + told.error().text);
            }
        }
    } catch (const Disconnect&) {
    }
    --waiting_;
}

/// RFC 8460 section 5.4.
Task<void> TlsReporter::post_reports() {
    try {
        for (;;) {
            co_await Sleep(running_, kUploadRound);
            auto due = co_await policyd_.call(ipc::TlsUpload());
            if (!due || due->message.key.empty()) continue;
            auto posted = co_await post_(due->message.url, std::move(due->message.body));
            if (!posted)
                log_warning("TLS report to " + printable(due->message.url) + ": " +
                            posted.error().text);
            ipc::TlsUploaded told;
            told.key = due->message.key;
            told.done = posted.has_value();
            (void)co_await policyd_.call(std::move(told));
        }
    } catch (const Disconnect&) {
    }
}

}  // namespace facteur::smtp_client
