#include "tools/facteur/queue_filter.h"

#include <algorithm>

#include <fmt/format.h>
#include <fnmatch.h>
#include <nlohmann/json.hpp>

#include "lib/base/text.h"
#include "lib/config/param.h"
#include "lib/spool/story.h"
#include "tools/facteur/queue_print.h"

namespace facteur::tool {
namespace {

bool is_waiting(const ipc::QueueRecipient& recipient) {
    return recipient.fate == static_cast<std::uint8_t>(spool::Fate::waiting);
}

std::string domain_of(const std::string& address) {
    const std::size_t at = address.rfind('@');
    return at == std::string::npos ? "MAILER-DAEMON" : to_lower(address.substr(at + 1));
}

Result<std::int64_t> seconds_of(const char* option, const std::string& text) {
    if (text.empty()) return 0;
    auto time = conf::parse_time(text, 's');
    if (!time) return permanent(std::string(option) + ": " + time.error().text);
    return std::chrono::duration_cast<std::chrono::seconds>(*time).count();
}

Result<std::uint64_t> bytes_of(const char* option, const std::string& text) {
    if (text.empty()) return 0;
    auto size = conf::parse_size(text);
    if (!size) return permanent(std::string(option) + ": " + size.error().text);
    return *size;
}

}  // namespace

bool matches_pattern(const std::string& pattern, const std::string& text) {
    return ::fnmatch(to_lower(pattern).c_str(), to_lower(text).c_str(), 0) == 0;
}

void QueueFilter::add_options(Command& command) {
    command.add_option("--sender", sender_, "From this sender; * and ? stand for anything");
    command.add_option("--recipient", recipient_, "To this recipient, who still waits");
    command.add_option("--domain", domain_, "To a recipient in this domain");
    command.add_option("--older", older_, "In the queue for longer than this: 30m, 4h, 2d");
    command.add_option("--younger", younger_, "In the queue for less than this");
    command.add_option("--larger", larger_, "Larger than this: 100k, 10m");
    command.add_option("--smaller", smaller_, "Smaller than this");
    command.add_option("--reason", reason_, "Why it waits holds these words");
    command.add_option("--place", place_, "active, deferred or hold");
    command.add_option("--client", client_, "Brought by this client: name, address or SASL login");
}

Result<void> QueueFilter::settle() {
    TRY(older_seconds_, seconds_of("--older", older_));
    TRY(younger_seconds_, seconds_of("--younger", younger_));
    TRY(larger_bytes_, bytes_of("--larger", larger_));
    TRY(smaller_bytes_, bytes_of("--smaller", smaller_));
    if (!place_.empty() && place_ != "active" && place_ != "deferred" && place_ != "hold") {
        return permanent("--place is active, deferred or hold");
    }
    return {};
}

bool QueueFilter::is_set() const {
    for (const std::string* option : {&sender_, &recipient_, &domain_, &reason_, &place_, &client_,
                                      &older_, &younger_, &larger_, &smaller_}) {
        if (!option->empty()) return true;
    }
    return false;
}

bool QueueFilter::matches(const ipc::QueueEntry& entry, std::int64_t now) const {
    const std::int64_t age = now - entry.arrival / 1000000;
    const std::string sender = entry.sender.empty() ? "MAILER-DAEMON" : entry.sender;
    if (!sender_.empty() && !matches_pattern(sender_, sender)) return false;
    if (!older_.empty() && age <= older_seconds_) return false;
    if (!younger_.empty() && age >= younger_seconds_) return false;
    if (!larger_.empty() && entry.size <= larger_bytes_) return false;
    if (!smaller_.empty() && entry.size >= smaller_bytes_) return false;
    if (!place_.empty() && queue_name(entry.place) != place_) return false;
    if (!client_.empty() && !matches_pattern(client_, entry.client_name) &&
        !matches_pattern(client_, entry.client_address) && !matches_pattern(client_, entry.login)) {
        return false;
    }
    if (recipient_.empty() && domain_.empty() && reason_.empty()) return true;
    const std::string words = to_lower(reason_);
    return std::any_of(entry.recipients.begin(), entry.recipients.end(), [&](const auto& one) {
        if (!is_waiting(one)) return false;
        if (!recipient_.empty() && !matches_pattern(recipient_, one.address)) return false;
        if (!domain_.empty() && !matches_pattern(domain_, domain_of(one.address))) return false;
        return to_lower(one.text).find(words) != std::string::npos;
    });
}

void AgeTable::count(const std::string& domain, std::size_t column) {
    Row& row = rows_[domain];
    row.domain = domain;
    row.counts.resize(kColumns);
    for (Row* one : {&row, &all_}) {
        ++one->total;
        ++one->counts[column];
    }
}

void AgeTable::add(const ipc::QueueEntry& entry, std::int64_t now) {
    const std::int64_t minutes = std::max<std::int64_t>(0, now - entry.arrival / 1000000) / 60;
    std::size_t column = 0;
    for (std::int64_t limit = 5; column + 1 < kColumns && minutes >= limit; limit *= 2)
        ++column;
    if (by_sender_) return count(domain_of(entry.sender), column);
    for (const ipc::QueueRecipient& recipient : entry.recipients) {
        if (is_waiting(recipient)) count(domain_of(recipient.address), column);
    }
}

std::vector<AgeTable::Row> AgeTable::rows(std::size_t most) const {
    std::vector<Row> rows;
    for (const auto& [domain, row] : rows_)
        rows.push_back(row);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const Row& a, const Row& b) { return a.total > b.total; });
    if (most > 0 && rows.size() > most) rows.resize(most);
    rows.insert(rows.begin(), all_);
    return rows;
}

std::string AgeTable::heading(std::size_t column) {
    const std::size_t last = kColumns - 1;
    const std::string minutes = std::to_string(5 << std::min(column, last - 1));
    return column < last ? minutes : minutes + "+";
}

std::string AgeTable::text(std::size_t most) const {
    const std::vector<Row> rows = this->rows(most);
    std::size_t width = 0;
    for (const Row& row : rows)
        width = std::max(width, row.domain.size());
    const std::size_t column = std::max<std::size_t>(6, std::to_string(all_.total).size() + 1);
    std::string out = fmt::format("{:>{}}{:>{}}", "", width, "T", column);
    for (std::size_t i = 0; i < kColumns; ++i)
        out += fmt::format("{:>{}}", heading(i), column);
    out += '\n';
    for (const Row& row : rows) {
        out += fmt::format("{:>{}}{:>{}}", printable(row.domain), width, row.total, column);
        for (std::uint64_t count : row.counts)
            out += fmt::format("{:>{}}", count, column);
        out += '\n';
    }
    return out;
}

std::string AgeTable::json() const {
    auto list = nlohmann::ordered_json::array();
    for (const Row& row : rows(0)) {
        nlohmann::ordered_json one;
        one["domain"] = row.domain;
        one["total"] = row.total;
        one["by_age"] = row.counts;
        list.push_back(std::move(one));
    }
    return list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace facteur::tool
