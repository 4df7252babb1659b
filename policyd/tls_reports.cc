#include "policyd/tls_reports.h"

#include <chrono>
#include <functional>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/base/write_all.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"
#include "lib/ipc/ways/queue.h"
#include "lib/spool/queue_id.h"

namespace facteur::policyd {
namespace {

constexpr const char* kTlsReportArea = "tlsrpt";
constexpr std::int64_t kNotifyNever = 1;
/// Given up after this many seconds.
constexpr std::int64_t kLongestUpload = 86400;

std::int64_t report_clock() {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::string report_key(std::int64_t begin, const std::string& domain) {
    return fmt::format("{}-{}", begin, domain);
}

Result<Fd> sealed_report(const std::string& text) {
    Fd file(::memfd_create("tls-report", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file || !write_all(file.get(), text)) return system_error("keep a TLS report");
    ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    return file;
}

}  // namespace

TlsReports::TlsReports(Scope& scope, Memory& memory, ipc::Client& queue, const Settings& settings)
    : memory_(memory), queue_(queue), settings_(settings), running_(scope) {}

void TlsReports::start() {
    running_.spawn(run());
}

Reporter TlsReports::reporter() const {
    Reporter who;
    who.organization = settings_.tls_report.organization();
    who.contact = settings_.tls_report.contact();
    who.submitter = settings_.myhostname();
    return who;
}

/// RFC 8460 section 4.1: not all of the world's reports at midnight.
std::int64_t TlsReports::due(const TlsReport& report) const {
    const std::int64_t jitter = settings_.tls_report.jitter().count();
    if (jitter == 0) return report.end();
    const std::size_t hash = std::hash<std::string>()(settings_.myhostname() + report.domain());
    return report.end() + static_cast<std::int64_t>(hash % static_cast<std::size_t>(jitter));
}

void TlsReports::count(const ipc::TlsResult& result) {
    if (!is_memory_name(result.domain)) return;
    const std::int64_t length = settings_.tls_report.interval().count();
    const std::int64_t now = report_clock();
    const std::int64_t begin = now - now % length;
    const std::string domain = to_lower(result.domain);
    std::string key = report_key(begin, domain);
    auto found = reports_.find(key);
    if (found == reports_.end()) {
        if (reports_.size() >= static_cast<std::size_t>(settings_.memory_limit())) return;
        found = reports_.emplace(key, TlsReport(domain, begin, begin + length)).first;
    }
    found->second.count(result, static_cast<std::size_t>(settings_.tls_report.details()));
    changed_.insert(std::move(key));
}

Task<void> TlsReports::load() {
    std::string after;
    for (bool more = true; more;) {
        ipc::Recall wish;
        wish.area = kTlsReportArea;
        wish.after = after;
        auto found = co_await memory_.recall(std::move(wish));
        if (!found) co_return;
        for (const ipc::Memory& one : found->memories) {
            after = one.key;
            auto report = TlsReport::decode(one.value);
            if (report) reports_.emplace(one.key, *std::move(report));
        }
        more = found->more && !found->memories.empty();
    }
}

Task<void> TlsReports::run() {
    // Reports of a few seconds are for tests.
    const auto round = std::min<Seconds>(Seconds(10), settings_.tls_report.interval());
    try {
        co_await load();
        for (;;) {
            co_await Sleep(running_, round);
            co_await flush();
            co_await send_due(report_clock());
        }
    } catch (const Disconnect&) {
    }
}

Task<void> TlsReports::flush() {
    std::set<std::string> changed;
    changed.swap(changed_);
    for (const std::string& key : changed) {
        auto found = reports_.find(key);
        if (found == reports_.end()) continue;
        ipc::Remember wish;
        wish.area = kTlsReportArea;
        wish.key = key;
        wish.value = found->second.encode();
        auto kept = co_await memory_.remember(std::move(wish));
        if (!kept) log_warning("TLS reports: " + kept.error().text);
    }
}

Task<void> TlsReports::drop(std::string key) {
    reports_.erase(key);
    not_before_.erase(key);
    ipc::Forget wish;
    wish.area = kTlsReportArea;
    wish.key = std::move(key);
    (void)co_await memory_.forget(std::move(wish));
}

Task<void> TlsReports::send_due(std::int64_t now) {
    std::vector<std::string> keys;
    for (const auto& [key, report] : reports_) {
        if (due(report) <= now) keys.push_back(key);
    }
    for (const std::string& key : keys) {
        auto found = reports_.find(key);
        if (found == reports_.end()) continue;
        TlsReport report = found->second;
        if (!report.addresses().empty()) {
            std::string id = spool::make_queue_id();
            auto sent = co_await mail(report, id);
            if (!sent) {
                log_warning("TLS report for " + report.domain() + ": " + sent.error().text);
                co_return;  // the queue does not answer; the next round tries again
            }
            found = reports_.find(key);
            if (found == reports_.end()) continue;
            found->second.mailed();
            changed_.insert(key);
        }
        const bool late = now > due(report) + kLongestUpload;
        if (report.urls().empty() || late) co_await drop(key);
    }
    co_await flush();
}

Task<Result<void>> TlsReports::mail(const TlsReport& report, std::string id) {
    CO_TRY(std::string text, report.message(reporter(), id));
    CO_TRY(Fd content, sealed_report(text));
    ipc::Submit submit;
    submit.queue_id = id;
    for (const std::string& address : report.addresses()) {
        ipc::SubmitRecipient recipient;
        recipient.address = address;
        recipient.notify = kNotifyNever;
        submit.recipients.push_back(std::move(recipient));
    }
    auto now = std::chrono::system_clock::now().time_since_epoch();
    submit.arrival = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    submit.size = text.size();
    submit.protocol = "local";
    // RFC 8460 section 3: a report on TLS that is broken must arrive all the same.
    submit.tls_optional = true;
    std::vector<Fd> fds;
    fds.push_back(std::move(content));
    auto answer = co_await queue_.call(std::move(submit), std::move(fds));
    if (!answer) co_return std::unexpected(answer.error());
    log_info(fmt::format("{}: TLS report for {}", id, report.domain()));
    co_return Result<void>();
}

Task<Result<ipc::TlsUploadReply>> TlsReports::upload(std::int64_t now) {
    ipc::TlsUploadReply reply;
    for (const auto& [key, report] : reports_) {
        if (due(report) > now || report.urls().empty()) continue;
        auto offered = not_before_.find(key);
        if (offered != not_before_.end() && offered->second > now) continue;
        CO_TRY(reply.body, report.packed(reporter(), key));
        reply.key = key;
        reply.url = report.urls().front();
        not_before_[key] = now + settings_.tls_report.retry().count();
        break;
    }
    co_return reply;
}

Task<void> TlsReports::uploaded(ipc::TlsUploaded told, std::int64_t now) {
    auto found = reports_.find(told.key);
    if (found == reports_.end() || found->second.urls().empty() || !told.done) co_return;
    log_info("TLS report for " + found->second.domain() + " posted to " +
             printable(found->second.urls().front()));
    found->second.posted();
    not_before_.erase(told.key);
    changed_.insert(told.key);
    const bool all = found->second.urls().empty() && found->second.addresses().empty();
    if (all && due(found->second) <= now) co_await drop(std::move(told.key));
    co_await flush();
}

}  // namespace facteur::policyd
