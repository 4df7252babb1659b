#include "lib/table/remote.h"

#include <algorithm>
#include <random>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/worker.h"

namespace facteur::table {
namespace {

constexpr std::chrono::seconds kRetryAfter{60};

}  // namespace

RemoteTable::RemoteTable(std::string name, std::string file, Read read, Around around,
                         bool patterns)
    : Dictionary(std::move(name)),
      file_(std::move(file)),
      read_(std::move(read)),
      around_(around),
      patterns_(patterns) {
    // At once: a daemon may read the file of passwords now, and not when it has locked itself in.
    refresh();
}

RemoteTable::~RemoteTable() = default;

void RemoteTable::refresh() {
    const auto now = std::chrono::steady_clock::now();
    if (client_ && (file_.empty() || now < next_look_)) return;
    if (!client_ && now < next_look_) return;
    next_look_ = now + std::chrono::seconds(1);
    const auto seen = file_.empty() ? std::nullopt : Stamp::of(file_);
    if (client_ && (seen == stamp_ || !seen)) return;
    stamp_ = seen;
    auto read = read_();
    if (read) {
        client_ = *std::move(read);
        idle_.clear();
        return;
    }
    if (read.error().text != error_) log_warning("table " + name() + ": " + read.error().text);
    error_ = read.error().text;
}

std::unique_ptr<Backend> RemoteTable::take_idle() {
    if (idle_.empty()) return nullptr;
    auto backend = std::move(idle_.back());
    idle_.pop_back();
    return backend;
}

void RemoteTable::give_back(const std::shared_ptr<Client>& client,
                            std::unique_ptr<Backend> backend) {
    // What was made from an older configuration goes.
    if (backend && client == client_) idle_.push_back(std::move(backend));
}

Found RemoteTable::answer(Found found) {
    if (!found) {
        auto failure = trouble(found.error().text);
        log_warning(failure.error().text);
        return failure;
    }
    return found;
}

std::string RemoteTable::domain_in(std::string_view key) {
    const auto at = key.rfind('@');
    if (at == std::string_view::npos || at == 0) return {};
    return std::string(key.substr(at + 1));
}

Found RemoteTable::find(std::string_view key) {
    refresh();
    if (!client_) return trouble(error_);
    const auto client = client_;
    const std::string folded = client->fold ? to_lower(key) : std::string(key);
    if (client->domains) {
        const std::string domain = domain_in(folded);
        if (domain.empty()) return std::nullopt;
        TRY(bool wanted, client->domains->find_exact(domain));
        if (!wanted) return std::nullopt;
    }
    auto backend = take_idle();
    if (!backend) backend = client->make();
    Found found = backend->ask(folded);
    give_back(client, std::move(backend));
    return answer(std::move(found));
}

/// One of the places at the server; given back at the end, whatever happens.
struct RemoteTable::Turn {
    explicit Turn(RemoteTable& owner) : table(owner) { ++table.busy_; }
    ~Turn() {
        --table.busy_;
        table.freed_.notify_one();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    RemoteTable& table;
};

Task<Result<bool>> RemoteTable::concerns(std::shared_ptr<Client> client, std::string key) const {
    if (!client->domains) co_return true;
    std::string domain = domain_in(key);
    if (domain.empty()) co_return false;
    co_return co_await client->domains->matches_exact(std::move(domain));
}

Task<Found> RemoteTable::ask_in_thread(std::shared_ptr<Client> client, Work work) {
    const TimePoint deadline = Loop::current().now() + client->patience;
    while (busy_ >= around_.connections) {
        bool late = false;
        try {
            co_await freed_.wait(*around_.scope, deadline);
        } catch (const TimedOut&) {
            late = true;
        }
        if (late) co_return temporary("all connections are busy for too long");
    }
    const Turn turn(*this);
    if (!workers_) workers_ = std::make_unique<WorkerPool>(around_.connections);
    std::unique_ptr<Backend> backend = take_idle();
    std::function<Found()> in_thread = [&backend, &client, &work] {
        if (!backend) backend = client->make();
        return work(*backend);
    };
    Found found = co_await workers_->run<Found>(std::move(in_thread));
    give_back(client, std::move(backend));
    co_return found;
}

Task<Found> RemoteTable::lookup(std::string key) {
    if (!around_.scope) co_return find(key);
    refresh();
    if (!client_) co_return trouble(error_);
    const std::shared_ptr<Client> client = client_;
    if (client->fold) key = to_lower(key);
    CO_TRY(bool concerned, co_await concerns(client, key));
    if (!concerned) co_return std::nullopt;
    Work work = [&key](Backend& backend) { return backend.ask(key); };
    Found found = co_await ask_in_thread(client, std::move(work));
    co_return answer(std::move(found));
}

Task<Found> RemoteTable::keep(std::string key, std::string value) {
    if (!around_.scope || !client_) co_return std::nullopt;
    const std::shared_ptr<Client> client = client_;
    if (client->fold) key = to_lower(key);
    CO_TRY(bool concerned, co_await concerns(client, key));
    if (!concerned) co_return std::nullopt;
    Work work = [&key, &value](Backend& backend) { return backend.store(key, value); };
    co_return co_await ask_in_thread(client, std::move(work));
}

Found Backend::store(const std::string&, const std::string&) {
    return temporary("it cannot be written");
}

// The cache may fail: the other table knows.
Found BackedTable::find(std::string_view key) {
    auto found = cache_->find(key);
    if (found && *found) return found;
    return backup_.find(key);
}

Task<Found> BackedTable::lookup(std::string key) {
    auto found = co_await cache_->lookup(key);
    if (found && *found) co_return found;
    CO_TRY(auto known, co_await backup_.lookup(key));
    if (known && found) {
        auto kept = co_await cache_->keep(std::move(key), *known);
        if (!kept) log_warning("table " + name() + ": " + kept.error().text);
    }
    co_return known;
}

Hosts::Hosts(std::vector<std::string> names, bool in_order) : in_order_(in_order) {
    for (std::string& name : names)
        hosts_.push_back(Host{std::move(name), {}});
}

std::vector<std::string> Hosts::choices() {
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    std::vector<std::string> names;
    for (const Host& host : hosts_)
        if (host.not_before <= now) names.push_back(host.name);
    if (in_order_) return names;
    static std::mt19937 random{std::random_device{}()};
    std::shuffle(names.begin(), names.end(), random);
    std::stable_partition(names.begin(), names.end(),
                          [](const std::string& name) { return name.starts_with("unix:"); });
    return names;
}

void Hosts::failed(const std::string& name) {
    std::lock_guard lock(mutex_);
    for (Host& host : hosts_)
        if (host.name == name) host.not_before = std::chrono::steady_clock::now() + kRetryAfter;
}

void Hosts::works(const std::string& name) {
    std::lock_guard lock(mutex_);
    for (Host& host : hosts_)
        if (host.name == name) host.not_before = {};
}

}  // namespace facteur::table
