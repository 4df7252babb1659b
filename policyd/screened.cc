#include "policyd/screened.h"

#include <algorithm>
#include <chrono>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/sleep.h"
#include "lib/event/yield.h"

namespace facteur::policyd {

namespace {

constexpr std::size_t kAtATime = 500;

std::int64_t seconds_now() {
    return std::chrono::duration_cast<Seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::int64_t newest(const ipc::ScreenRecord& record) {
    return std::max(
        {record.pregreet, record.dnsbl, record.pipelining, record.non_smtp, record.bare_newline});
}

}  // namespace

std::string record_text(const ipc::ScreenRecord& record) {
    std::string text;
    for (const std::int64_t until :
         {record.pregreet, record.dnsbl, record.pipelining, record.non_smtp, record.bare_newline})
        text.append(text.empty() ? "" : ";").append(std::to_string(until));
    return text;
}

std::optional<ipc::ScreenRecord> parse_record(std::string_view text) {
    while (text.ends_with('\0'))
        text.remove_suffix(1);
    ipc::ScreenRecord record;
    std::int64_t* const fields[] = {&record.pregreet, &record.dnsbl, &record.pipelining,
                                    &record.non_smtp, &record.bare_newline};
    const auto pieces = split(text, ';');
    if (pieces.size() != std::size(fields)) return std::nullopt;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto number = parse_number(pieces[i]);
        if (!number || *number > INT64_MAX) return std::nullopt;
        *fields[i] = static_cast<std::int64_t>(*number);
    }
    record.found = true;
    return record;
}

void Screened::open(const std::string& map_name) {
    auto map = DurableMap::open(map_name);
    if (map) map_ = *std::move(map);
    if (!map_) log_error("postscreen_cache_map: " + map.error().text);
}

Result<ipc::ScreenRecord> Screened::find(const std::string& client_address) {
    ipc::ScreenRecord none;
    if (!map_) return none;
    TRY(const auto text, map_->get(client_address));
    if (!text) return none;
    return parse_record(*text).value_or(none);
}

Result<void> Screened::keep(const ipc::ScreenRecord& record) {
    if (!map_) return {};
    return map_->put(record.client_address, record_text(record));
}

Task<std::pair<std::size_t, std::size_t>> Screened::clean_once(std::int64_t oldest) {
    std::pair<std::size_t, std::size_t> counts;
    std::vector<std::string> old;
    const auto look = [&](const std::string& key, const std::string& value) {
        const auto record = parse_record(value);
        const bool is_old = !record || newest(*record) < oldest;
        ++(is_old ? counts.second : counts.first);
        if (is_old) old.push_back(key);
    };
    std::string after;
    while (map_) {
        auto next = map_->each(after, kAtATime, look);
        for (const std::string& key : old)
            if (const auto erased = map_->erase(key); !erased) log_warning(erased.error().text);
        old.clear();
        if (!next) log_warning("postscreen_cache_map: " + next.error().text);
        if (!next || !*next) break;
        after = **std::move(next);
        co_await Yield();
    }
    if (map_) map_->checkpoint();
    co_return counts;
}

Task<void> Screened::clean(Scope& scope, Seconds interval, Seconds retention) {
    const Milliseconds pause = interval;
    while (interval > Seconds(0)) {
        co_await Sleep(scope, pause);
        const auto counts = co_await clean_once(seconds_now() - retention.count());
        log_info(
            "cache postscreen_cache_map full cleanup: retained=" + std::to_string(counts.first) +
            " dropped=" + std::to_string(counts.second) + " entries");
    }
}

}  // namespace facteur::policyd
