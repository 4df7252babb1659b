#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/table/dictionary.h"

namespace facteur {
class Scope;
class WorkerPool;
}  // namespace facteur

namespace facteur::table {

/// What tables that do not answer by themselves need; all may be empty (tools without a loop).
struct Surroundings {
    Scope* scope = nullptr;
    WorkerPool* workers = nullptr;
    /// auth: asks authd whether a user exists; the value is the user's name.
    std::function<Task<Found>(std::string user)> auth = {};
    /// A parameter of main.cf for tables that have theirs there (ldap:name: name_server_host …).
    std::function<std::optional<std::string>(const std::string& name)> main_cf = {};
    std::string daemon_directory = "/usr/libexec/facteur";  ///< table/*.so stand there
    bool fold = true;                  ///< postmap -f: keys of databases as they are
    std::size_t connections = 8;       ///< to one server, for one table
    std::chrono::seconds timeout{30};  ///< of a server, unless a table says
};

/// All tables of a process, opened when first asked for and shared by all who name them.
class Tables {
public:
    explicit Tables(Surroundings surroundings) : surroundings_(std::move(surroundings)) {}

    /// "hash:/etc/aliases".  Never fails: what cannot be opened gives a table whose lookups fail
    /// temporarily, and is tried again when the file changes.
    Dictionary& get(const std::string& type_and_name);

    /// Whether a table of this type ("pgsql") asks a server over the network.
    static bool is_client(const std::string& type);
    /// Types that open() knows, sorted: for `postconf -m`.
    static std::vector<std::string> types();

private:
    std::unique_ptr<Dictionary> open(const std::string& type_and_name);
    std::unique_ptr<Dictionary> combine(const std::string& type, const std::string& whole,
                                        const std::string& name);

    std::unique_ptr<Dictionary> open_by_type(const std::string& type, const std::string& whole,
                                             const std::string& name);
    std::unique_ptr<Dictionary> open_client(const std::string& type, const std::string& whole,
                                            const std::string& name);
    std::unique_ptr<Dictionary> open_literal(const std::string& type, const std::string& whole,
                                             const std::string& name);

    Surroundings surroundings_;
    std::map<std::string, std::unique_ptr<Dictionary>> open_;
};

}  // namespace facteur::table
