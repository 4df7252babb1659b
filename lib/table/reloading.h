#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lib/table/dictionary.h"
#include "lib/table/stamp.h"

namespace facteur {
class WorkerPool;
}

namespace facteur::table {

/// A table that is read into memory as a whole, and read again when its file changes.  The file is
/// looked at once a second at most.  While a large one is read by a worker thread the old content
/// answers.  A file that cannot be read any more leaves the old content in use, with a warning.
class ReloadingTable : public Dictionary {
public:
    /// Makes the table from the text of the file; may log.  Called in a worker thread.
    using Make = std::function<std::unique_ptr<Dictionary>(const std::string& text)>;

    ReloadingTable(std::string name, std::string path, Make make, bool has_patterns,
                   WorkerPool* workers);
    bool has_patterns() const override { return has_patterns_; }
    Found find(std::string_view key) override;
    Task<Found> lookup(std::string key) override;

private:
    struct Loaded {
        std::unique_ptr<Dictionary> table;
        std::string error;
    };
    using Clock = std::chrono::steady_clock;

    bool is_stale();
    Loaded load() const;
    void take(Loaded loaded);

    std::string path_;
    Make make_;
    bool has_patterns_;
    WorkerPool* workers_;
    std::unique_ptr<Dictionary> current_;
    std::string error_ = "not read yet";
    std::optional<Stamp> stamp_;
    Clock::time_point next_look_{};
    bool loading_ = false;
};

}  // namespace facteur::table
