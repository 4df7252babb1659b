#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/event/signal.h"
#include "lib/table/dictionary.h"
#include "lib/table/match_list.h"
#include "lib/table/stamp.h"

namespace facteur {
class Scope;
class WorkerPool;
}  // namespace facteur

namespace facteur::table {

/// One connection to whatever answers a RemoteTable; blocks, used by one thread at a time.
class Backend {
public:
    virtual ~Backend() = default;
    virtual Found ask(const std::string& key) = 0;
    /// Keeps a value there; only caches can.
    virtual Found store(const std::string& key, const std::string& value);
};

/// What the configuration of a RemoteTable came to.
struct Client {
    /// Makes one more connection (which may connect only when it is asked first).
    std::function<std::unique_ptr<Backend>()> make;
    /// domain =: only full addresses in these are asked for.
    std::unique_ptr<MatchList> domains;
    bool fold = true;  ///< keys in lower case
    /// A lookup that found no free connection for so long fails.
    std::chrono::seconds patience{10};
};

/// A table that somebody else answers over a connection: ldap:, pgsql:, tcp: and so on.  Worker
/// threads of its own ask, so that one slow server holds up neither the loop nor other tables; at
/// most `connections` lookups are under way, the others wait for their turn.
class RemoteTable : public Dictionary {
public:
    struct Around {
        Scope* scope = nullptr;  ///< none: a tool, which waits for each answer itself
        std::size_t connections = 8;
    };
    using Read = std::function<Result<std::unique_ptr<Client>>()>;

    /// file: whose changes make the configuration be read again; empty: none.
    RemoteTable(std::string name, std::string file, Read read, Around around, bool patterns);
    ~RemoteTable() override;
    bool has_patterns() const override { return patterns_; }
    Found find(std::string_view key) override;
    Task<Found> lookup(std::string key) override;
    /// Puts what another table said into this one, for the next who asks.
    Task<Found> keep(std::string key, std::string value);

private:
    struct Turn;
    using Work = std::function<Found(Backend&)>;
    Task<Found> ask_in_thread(std::shared_ptr<Client> client, Work work);
    Task<Result<bool>> concerns(std::shared_ptr<Client> client, std::string key) const;
    /// Reads the configuration if that was not done or its file has changed.
    void refresh();
    std::unique_ptr<Backend> take_idle();
    void give_back(const std::shared_ptr<Client>& client, std::unique_ptr<Backend> backend);
    Found answer(Found found);
    /// Only a full address with a local part may be in a domain of the list.
    static std::string domain_in(std::string_view key);

    std::string file_;
    Read read_;
    Around around_;
    bool patterns_;
    std::unique_ptr<WorkerPool> workers_;
    std::shared_ptr<Client> client_;
    std::string error_ = "not read yet";
    std::optional<Stamp> stamp_;
    std::chrono::steady_clock::time_point next_look_{};
    std::vector<std::unique_ptr<Backend>> idle_;
    std::size_t busy_ = 0;
    Signal freed_;
};

/// memcache: with backup =: what the cache does not know, another table does, and the cache then
/// keeps it (memcache_table(5)).
class BackedTable : public Dictionary {
public:
    BackedTable(std::string name, std::unique_ptr<RemoteTable> cache, Dictionary& backup)
        : Dictionary(std::move(name)), cache_(std::move(cache)), backup_(backup) {}
    bool has_patterns() const override { return backup_.has_patterns(); }
    Found find(std::string_view key) override;
    Task<Found> lookup(std::string key) override;

private:
    std::unique_ptr<RemoteTable> cache_;
    Dictionary& backup_;  ///< owned by Tables
};

/// The servers of one table, tried in turn; one that failed is left alone for a minute (as
/// mysql_table(5) and pgsql_table(5) do).  Shared by the threads that ask.
class Hosts {
public:
    explicit Hosts(std::vector<std::string> names, bool in_order = false);
    /// Those worth trying now, best first: Unix sockets, then the others in random order, or all in
    /// the order of the list.
    std::vector<std::string> choices();
    void failed(const std::string& name);
    void works(const std::string& name);

private:
    struct Host {
        std::string name;
        std::chrono::steady_clock::time_point not_before{};
    };
    std::mutex mutex_;
    std::vector<Host> hosts_;
    bool in_order_;
};

}  // namespace facteur::table
