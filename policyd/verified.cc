#include "policyd/verified.h"

#include <chrono>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"
#include "lib/event/yield.h"
#include "lib/smtp/address.h"

namespace facteur::policyd {

namespace {

using ipc::Deliverable;

/// A probe that is not answered by then counts as lost, as in Postfix.
constexpr std::int64_t kProbeTime = 1000;
/// Probes at a time; more addresses hear that nobody knows yet.
constexpr std::size_t kMostProbes = 5000;
constexpr std::size_t kMostText = 500;
constexpr std::size_t kRound = 500;
constexpr std::string_view kDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZ";

std::int64_t epoch_seconds() {
    return std::chrono::duration_cast<Seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace

std::string verdict_text(const Verdict& verdict) {
    return std::to_string(static_cast<int>(verdict.status)) + ':' + std::to_string(verdict.probed) +
           ':' + std::to_string(verdict.updated) + ':' + verdict.text;
}

std::optional<Verdict> parse_verdict(std::string_view text) {
    while (text.ends_with('\0'))
        text.remove_suffix(1);
    std::uint64_t numbers[3];
    for (std::uint64_t& number : numbers) {
        const std::size_t colon = text.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        const auto parsed = parse_number(text.substr(0, colon));
        if (!parsed || *parsed > INT64_MAX) return std::nullopt;
        number = *parsed;
        text.remove_prefix(colon + 1);
    }
    if (numbers[0] > static_cast<std::uint64_t>(Deliverable::unknown)) return std::nullopt;
    Verdict verdict;
    verdict.status = static_cast<Deliverable>(numbers[0]);
    verdict.probed = static_cast<std::int64_t>(numbers[1]);
    verdict.updated = static_cast<std::int64_t>(numbers[2]);
    verdict.text = printable(text, kMostText);
    return verdict;
}

Verified::Verified(Scope& scope, const Settings& settings, Prober prober)
    : scope_(scope), settings_(settings), prober_(std::move(prober)) {}

void Verified::open(const std::string& map_name) {
    if (map_name.empty()) return;
    auto map = DurableMap::open(map_name);
    if (map) map_ = *std::move(map);
    if (!map_) log_error("address_verify_map: " + map.error().text);
}

bool Verified::is_expired(const Verdict& verdict, std::int64_t now) const {
    if (now - verdict.probed <= kProbeTime) return false;
    const Seconds time = verdict.status == Deliverable::yes ? settings_.verify.positive_expire()
                                                            : settings_.verify.negative_expire();
    return verdict.updated + time.count() < now;
}

bool Verified::needs_refresh(const Verdict& verdict, std::int64_t now) const {
    if (now - verdict.probed <= kProbeTime) return false;
    const Seconds time = verdict.status == Deliverable::yes ? settings_.verify.positive_refresh()
                                                            : settings_.verify.negative_refresh();
    return verdict.updated + time.count() < now;
}

/// From the cache; unknown: nothing that counts any more.
Verdict Verified::known(const std::string& address, std::int64_t now) {
    Verdict none;
    none.text = "Address verification in progress";
    if (!map_) return none;
    auto text = map_->get(address);
    if (!text) log_warning("address_verify_map: " + text.error().text);
    if (!text || !*text) return none;
    auto verdict = parse_verdict(**text);
    if (!verdict || is_expired(*verdict, now)) return none;
    return *std::move(verdict);
}

Task<Verdict> Verified::find(std::string address, TimePoint deadline) {
    address = to_lower(address);
    const std::int64_t now = epoch_seconds();
    Verdict verdict = known(address, now);
    const bool is_unknown = verdict.status == Deliverable::unknown;
    if (!is_unknown && !needs_refresh(verdict, now)) co_return verdict;
    std::shared_ptr<Pending> pending = probe(address);
    // What is only old is good enough until something newer is known.
    if (!is_unknown || !pending) co_return verdict;
    try {
        while (!pending->is_done)
            co_await pending->done.wait(scope_, deadline);
        verdict = pending->verdict;
    } catch (const TimedOut&) {
    }
    co_return verdict;
}

std::shared_ptr<Verified::Pending> Verified::probe(const std::string& address) {
    const auto found = pending_.find(address);
    if (found != pending_.end()) return found->second;
    if (pending_.size() >= kMostProbes) return nullptr;
    auto pending = std::make_shared<Pending>();
    pending_.emplace(address, pending);
    scope_.spawn(run_probe(address, pending));
    return pending;
}

Task<void> Verified::run_probe(std::string address, std::shared_ptr<Pending> pending) {
    Result<Verdict> answer = co_await prober_(sender(), address);
    if (answer) {
        pending->verdict = *std::move(answer);
    } else {
        log_warning("address verification of <" + smtp::to_external(address) +
                    ">: " + answer.error().text);
        pending->verdict.status = Deliverable::later;
        pending->verdict.text = "address verification problem";
    }
    pending->verdict.text = printable(pending->verdict.text, kMostText);
    pending->verdict.updated = epoch_seconds();
    if (answer) learn(address, pending->verdict);
    pending->is_done = true;
    pending_.erase(address);
    pending->done.notify_all();
}

/// A probe that fails does not make a good address bad before that expires: as long as some
/// succeed, it stays good.
void Verified::learn(const std::string& address, Verdict verdict) {
    if (!map_) return;
    if (verdict.status != Deliverable::yes) {
        if (!settings_.verify.negative_cache()) return;
        if (known(address, epoch_seconds()).status == Deliverable::yes) return;
    }
    const auto kept = map_->put(address, verdict_text(verdict));
    if (!kept) log_warning("address_verify_map: " + kept.error().text);
}

std::string Verified::sender() const {
    const std::string& name = settings_.verify.sender();
    if (name.empty() || name == "<>") return {};
    smtp::Mailbox mailbox = smtp::split_internal(name);
    if (mailbox.domain.empty()) mailbox.domain = settings_.myorigin();
    const std::int64_t ttl = settings_.verify.sender_ttl().count();
    std::string epoch;
    for (std::int64_t n = ttl > 0 ? epoch_seconds() / ttl : 0; n > 0;
         n /= static_cast<std::int64_t>(kDigits.size()))
        epoch.insert(epoch.begin(), kDigits[static_cast<std::size_t>(n) % kDigits.size()]);
    return mailbox.local + epoch + '@' + mailbox.domain;
}

Task<std::pair<std::size_t, std::size_t>> Verified::clean_once() {
    std::pair<std::size_t, std::size_t> counts;
    std::vector<std::string> old;
    const std::int64_t now = epoch_seconds();
    const auto look = [&](const std::string& key, const std::string& value) {
        const auto verdict = parse_verdict(value);
        const bool is_old = !verdict || is_expired(*verdict, now);
        ++(is_old ? counts.second : counts.first);
        if (is_old) old.push_back(key);
    };
    std::string after;
    while (map_) {
        auto next = map_->each(after, kRound, look);
        for (const std::string& key : old)
            if (const auto erased = map_->erase(key); !erased) log_warning(erased.error().text);
        old.clear();
        if (!next) log_warning("address_verify_map: " + next.error().text);
        if (!next || !*next) break;
        after = **std::move(next);
        co_await Yield();
    }
    if (map_) map_->checkpoint();
    co_return counts;
}

Task<void> Verified::clean(Scope& scope, Seconds interval) {
    const Milliseconds pause = interval;
    while (interval > Seconds(0)) {
        co_await Sleep(scope, pause);
        const auto counts = co_await clean_once();
        log_info("cache address_verify_map full cleanup: retained=" + std::to_string(counts.first) +
                 " dropped=" + std::to_string(counts.second) + " entries");
    }
}

}  // namespace facteur::policyd
