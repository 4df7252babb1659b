#pragma once

#include <functional>
#include <string>
#include <vector>

#include "lib/table/dictionary.h"

namespace facteur {
class WorkerPool;
}

namespace facteur::table {

/// unix:passwd.byname and unix:group.byname: the system's databases, whatever nsswitch.conf makes
/// of them.  That may block, so a worker thread asks.
class SystemTable : public Dictionary {
public:
    enum class Kind { passwd, group };
    SystemTable(std::string name, Kind kind, WorkerPool* workers)
        : Dictionary(std::move(name)), kind_(kind), workers_(workers) {}
    Found find(std::string_view key) override;
    Task<Found> lookup(std::string key) override;

private:
    Kind kind_;
    WorkerPool* workers_;
};

/// auth: the users that authd knows.
class AuthTable : public Dictionary {
public:
    using Ask = std::function<Task<Found>(std::string user)>;
    AuthTable(std::string name, Ask ask) : Dictionary(std::move(name)), ask_(std::move(ask)) {}
    Found find(std::string_view key) override;
    Task<Found> lookup(std::string key) override;

private:
    Ask ask_;
};

/// unionmap:{a,b}: what all of them say, joined by commas.  pipemap:{a,b}: the answer of one is the
/// question to the next.
class CombinedTable : public Dictionary {
public:
    enum class Kind { all, chain };
    CombinedTable(std::string name, Kind kind, std::vector<Dictionary*> parts)
        : Dictionary(std::move(name)), kind_(kind), parts_(std::move(parts)) {}
    bool has_patterns() const override;
    Found find(std::string_view key) override;
    Task<Found> lookup(std::string key) override;

private:
    struct Progress {
        std::string key;
        std::string result;
        bool done = false;
    };
    /// What one part said, taken into account.
    void take(Progress& progress, std::optional<std::string> value) const;
    Found outcome(const Progress& progress) const;

    Kind kind_;
    std::vector<Dictionary*> parts_;  ///< owned by Tables
};

}  // namespace facteur::table
