#include "smtp-client/sts.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"

namespace facteur::smtp_client {
namespace {

constexpr Seconds kRound{3600};
constexpr Seconds kLoadAgain{30};
constexpr std::size_t kMaxFailures = 10000;

std::int64_t wall_seconds() {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

/// RFC 8461 section 3.2: text/plain and nothing else, so that no web server that shows what its
/// users upload can be made to speak for the domain.
bool is_plain_text(std::string_view type) {
    return iequals(trim(type.substr(0, type.find(';'))), "text/plain");
}

}  // namespace

std::string StsEntry::encode() const {
    return fmt::format("{} {}\n{}", fetched, id, text);
}

Result<StsEntry> StsEntry::decode(std::string_view encoded) {
    auto end = encoded.find('\n');
    auto space = encoded.substr(0, end).find(' ');
    if (end == std::string_view::npos || space == std::string_view::npos)
        return permanent("no kept MTA-STS policy");
    StsEntry entry;
    auto fetched = parse_number(encoded.substr(0, space));
    if (!fetched) return permanent("no kept MTA-STS policy");
    entry.fetched = static_cast<std::int64_t>(*fetched);
    entry.id = encoded.substr(space + 1, end - space - 1);
    entry.text = encoded.substr(end + 1);
    TRY(entry.policy, smtp::parse_sts_policy(entry.text));
    return entry;
}

StsPolicies::StsPolicies(Scope& scope, dns::Resolver& resolver, Fetch fetch, StsMemory& memory,
                         Limits limits)
    : scope_(scope),
      resolver_(resolver),
      fetch_(std::move(fetch)),
      memory_(memory),
      limits_(limits),
      running_(scope) {
    running_.spawn(run());
}

Task<void> StsPolicies::run() {
    for (;;) {
        TimePoint next = Loop::current().now() + kRound;
        co_await Sleep(running_, next);
        co_await refresh();
    }
}

/// What earlier processes have kept; once, but for a memory that does not answer.
Task<void> StsPolicies::load() {
    if (loaded_ || Loop::current().now() < load_again_) co_return;
    load_again_ = Loop::current().now() + kLoadAgain;
    auto kept = co_await memory_.recall();
    if (!kept) {
        log_warning("MTA-STS policies: " + kept.error().text);
        co_return;
    }
    loaded_ = true;
    for (const auto& [domain, value] : *kept) {
        auto entry = StsEntry::decode(value);
        bool newer =
            entry && (!entries_.contains(domain) || entries_[domain].fetched < entry->fetched);
        if (newer && entries_.size() < limits_.entries) entries_[domain] = *std::move(entry);
    }
}

Task<StsPolicies::Found> StsPolicies::find(std::string domain) {
    co_await load();
    Found found;
    // RFC 8461 section 3.1: the record tells whether there is a policy, and when it has changed.
    auto record = co_await resolver_.query(scope_, "_mta-sts." + domain, dns::Type::txt);
    std::optional<std::string> id;
    if (record && record->found()) {
        std::vector<std::string> texts;
        for (const dns::Record& one : record->records)
            texts.push_back(one.data);
        id = smtp::sts_record_id(texts);
    }
    auto known = entries_.find(domain);
    bool good = known != entries_.end() && known->second.good_at(wall_seconds());
    if (id && (!good || known->second.id != *id)) found.failure = co_await fetch(domain, *id);
    // RFC 8461 section 3.3: a policy that is known counts until it expires, whatever an attacker
    // may do to the record or to the web server meanwhile.
    known = entries_.find(domain);
    if (known != entries_.end() && known->second.good_at(wall_seconds()))
        found.entry = known->second;
    co_return found;
}

/// One fetch at a time for a domain; the others wait for it.  What went wrong; empty: nothing.
Task<std::string> StsPolicies::fetch(std::string domain, std::string id) {
    auto failure = failed_.find(domain);
    if (failure != failed_.end() && Loop::current().now() < failure->second.until)
        co_return failure->second.type;
    auto underway = fetching_.find(domain);
    if (underway != fetching_.end()) {
        auto other = underway->second;
        while (!other->ready)
            co_await other->done.wait(scope_);
        co_return other->failure;
    }
    auto own = std::make_shared<Fetching>();
    fetching_[domain] = own;
    own->failure = co_await try_fetch(domain, id);
    own->ready = true;
    fetching_.erase(domain);
    own->done.notify_all();
    co_return own->failure;
}

Task<std::string> StsPolicies::try_fetch(std::string domain, std::string id) {
    std::string failure;
    std::string why;
    StsEntry entry;
    auto page = co_await fetch_(domain);
    if (!page) {
        why = page.error().text;
        failure =
            page.error().status == "certificate" ? "sts-webpki-invalid" : "sts-policy-fetch-error";
    } else if (page->status != 200 || !is_plain_text(page->type)) {
        why = fmt::format("status {}, type {}", page->status, printable(page->type, 60));
        failure = "sts-policy-fetch-error";
    } else {
        auto policy = smtp::parse_sts_policy(page->body);
        if (policy) {
            entry.policy = *std::move(policy);
        } else {
            why = policy.error().text;
            failure = "sts-policy-invalid";
        }
    }
    if (!failure.empty()) {
        log_warning(fmt::format("MTA-STS policy of {}: {}: {}", domain, failure, why));
        if (failed_.size() >= kMaxFailures) failed_.clear();
        failed_[domain] = {Loop::current().now() + limits_.retry, failure};
        co_return failure;
    }
    failed_.erase(domain);
    entry.id = std::move(id);
    entry.fetched = wall_seconds();
    entry.text = std::move(page->body);
    std::string value = entry.encode();
    keep(domain, std::move(entry));
    co_await memory_.remember(std::move(domain), std::move(value));
    co_return failure;
}

void StsPolicies::keep(const std::string& domain, StsEntry entry) {
    if (!entries_.contains(domain) && entries_.size() >= limits_.entries) {
        auto oldest = std::ranges::min_element(entries_, {},
                                               [](const auto& one) { return one.second.fetched; });
        entries_.erase(oldest);
    }
    entries_[domain] = std::move(entry);
}

Task<void> StsPolicies::refresh() {
    co_await load();
    std::int64_t now = wall_seconds();
    std::vector<std::pair<std::string, std::string>> old;
    std::vector<std::string> expired;
    for (const auto& [domain, entry] : entries_) {
        if (!entry.good_at(now)) {
            expired.push_back(domain);
        } else if (entry.fetched + limits_.refresh.count() <= now ||
                   entry.fetched + entry.policy.max_age.count() / 2 <= now) {
            old.emplace_back(domain, entry.id);
        }
    }
    for (const std::string& domain : expired) {
        entries_.erase(domain);
        co_await memory_.forget(domain);
    }
    for (const auto& [domain, id] : old)
        co_await fetch(domain, id);
}

}  // namespace facteur::smtp_client
