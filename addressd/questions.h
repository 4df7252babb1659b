#pragma once

#include <optional>
#include <string>
#include <vector>

#include "addressd/classes.h"

namespace facteur::addressd {

/// Searches in tables that the asker names: access(5), and the tables of any parameter.
class Questions {
public:
    Questions(const Settings& settings, const Classes& classes, table::Tables& tables);

    Task<Result<std::optional<std::string>>> access(ipc::Access question) const;
    Task<Result<std::optional<std::string>>> lookup(ipc::Lookup question) const;
    Task<Result<ipc::LookupManyReply>> lookup_many(ipc::LookupMany question) const;
    Task<Result<bool>> match(ipc::Match question) const;

private:
    /// A daemon that was taken over must not make us read other files.
    Result<void> is_named(const std::string& table) const;

    const Settings& settings_;
    const Classes& classes_;
    table::Tables& tables_;
};

}  // namespace facteur::addressd
