#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/ipc/ways/queue_admin.h"
#include "tools/facteur/command_line.h"

namespace facteur::tool {

/// Which messages of the queue a command is about; all conditions have to be met.
class QueueFilter {
public:
    /// --sender, --recipient, --domain, --older, --younger, --larger, --smaller, --reason, --place,
    /// --client.
    void add_options(Command& command);
    /// Reads what the options said, once; the Error says which option is wrong.
    Result<void> settle();
    bool is_set() const;
    /// now: seconds since the epoch.
    bool matches(const ipc::QueueEntry& entry, std::int64_t now) const;

private:
    std::string sender_, recipient_, domain_, reason_, place_, client_;
    std::string older_, younger_, larger_, smaller_;  ///< as they were written
    std::int64_t older_seconds_ = 0;
    std::int64_t younger_seconds_ = 0;
    std::uint64_t larger_bytes_ = 0;
    std::uint64_t smaller_bytes_ = 0;
};

/// Shell patterns, case ignored: "*@example.com".
bool matches_pattern(const std::string& pattern, const std::string& text);

/// The table that qshape(1) prints: recipients that wait, by domain and age.
class AgeTable {
public:
    /// by_sender: count messages by the domain of their sender.
    explicit AgeTable(bool by_sender) : by_sender_(by_sender) {}
    void add(const ipc::QueueEntry& entry, std::int64_t now);
    static constexpr std::size_t kColumns = 10;  ///< 5, 10, 20 … 1280 minutes, and older
    struct Row {
        std::string domain;
        std::uint64_t total = 0;
        std::vector<std::uint64_t> counts;  ///< by age
    };
    /// The sum of all, then the domains with most first, no more than so many; 0: all.
    std::vector<Row> rows(std::size_t most) const;
    /// "5", "10" … "1280", "1280+": over a column.
    static std::string heading(std::size_t column);
    /// The domains with most first, and no more than so many; 0: all.
    std::string text(std::size_t most) const;
    std::string json() const;

private:
    void count(const std::string& domain, std::size_t column);

    bool by_sender_;
    Row all_{"TOTAL", 0, std::vector<std::uint64_t>(kColumns)};
    std::map<std::string, Row> rows_;
};

}  // namespace facteur::tool
