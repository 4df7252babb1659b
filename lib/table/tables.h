#pragma once

#include <functional>
#include <map>
#include <memory>
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
    std::function<Task<Found>(std::string user)> auth;
};

/// All tables of a process, opened when first asked for and shared by all who name them.
class Tables {
public:
    explicit Tables(Surroundings surroundings) : surroundings_(std::move(surroundings)) {}

    /// "hash:/etc/aliases".  Never fails: what cannot be opened gives a table whose lookups fail
    /// temporarily, and is tried again when the file changes.
    Dictionary& get(const std::string& type_and_name);

    /// Types that open() knows, sorted: for `postconf -m`.
    static std::vector<std::string> types();

private:
    std::unique_ptr<Dictionary> open(const std::string& type_and_name);
    std::unique_ptr<Dictionary> combine(const std::string& type, const std::string& whole,
                                        const std::string& name);

    Surroundings surroundings_;
    std::map<std::string, std::unique_ptr<Dictionary>> open_;
};

}  // namespace facteur::table
