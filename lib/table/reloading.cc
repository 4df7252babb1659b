#include "lib/table/reloading.h"

#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/event/worker.h"

namespace facteur::table {
namespace {

/// Smaller files are read on the spot: that takes less than a few milliseconds.
constexpr std::uint64_t kSmall = 256 * 1024;

}  // namespace

ReloadingTable::ReloadingTable(std::string name, std::string path, Make make, bool has_patterns,
                               WorkerPool* workers)
    : Dictionary(std::move(name)),
      path_(std::move(path)),
      make_(std::move(make)),
      has_patterns_(has_patterns),
      workers_(workers) {}

// Looks at the file, and notes what it saw.
bool ReloadingTable::is_stale() {
    const auto now = Clock::now();
    if (now < next_look_ || loading_) return false;
    next_look_ = now + std::chrono::seconds(1);
    const auto seen = Stamp::of(path_);
    if (seen == stamp_ && current_) return false;
    stamp_ = seen;
    return true;
}

ReloadingTable::Loaded ReloadingTable::load() const {
    Loaded loaded;
    auto text = read_file(path_);
    if (text) {
        loaded.table = make_(*text);
    } else {
        loaded.error = text.error().text;
    }
    return loaded;
}

void ReloadingTable::take(Loaded loaded) {
    if (loaded.table) {
        current_ = std::move(loaded.table);
        return;
    }
    if (current_ || error_ != loaded.error) log_warning("table " + name() + ": " + loaded.error);
    error_ = std::move(loaded.error);
}

Found ReloadingTable::find(std::string_view key) {
    if (is_stale()) take(load());
    if (!current_) return trouble(error_);
    return current_->find(key);
}

Task<Found> ReloadingTable::lookup(std::string key) {
    if (is_stale()) {
        if (!workers_ || !stamp_ || stamp_->size < kSmall) {
            take(load());
        } else {
            loading_ = true;
            std::function<Loaded()> work = [this] { return load(); };
            Loaded loaded = co_await workers_->run<Loaded>(std::move(work));
            loading_ = false;
            take(std::move(loaded));
        }
    }
    if (!current_) co_return trouble(error_);
    co_return current_->find(key);
}

}  // namespace facteur::table
