#pragma once

#include <set>
#include <string>
#include <vector>

#include "addressd/classes.h"

namespace facteur {
class WorkerPool;
}

namespace facteur::addressd {

/// aliases(5): what a local name stands for, through nested aliases and :include: files.
class Aliases {
public:
    Aliases(const Settings& settings, const Classes& classes, table::Tables& tables,
            WorkerPool* workers);

    /// Error 5.4.6: nests too deeply, or has too many members; 5.7.1: a command or file where
    /// none is allowed.
    Task<Result<ipc::AliasReply>> expand(std::string name) const;

private:
    enum class Origin { alias, include };
    struct Member {
        std::string text;
        Origin origin = Origin::alias;
        int depth = 0;
        std::string owner;      ///< of the alias that names it
        std::string via;        ///< that alias
        std::string extension;  ///< which the name of that alias did not have, "+x"
    };
    struct Expansion;
    struct Value {
        std::string text;
        std::string extension;  ///< the table knew only the name without it
    };

    Task<Result<std::optional<Value>>> look_up(std::string name) const;
    Task<Result<void>> take(Expansion& expansion, Member member) const;
    Task<Result<void>> take_name(Expansion& expansion, Member member) const;
    Task<Result<void>> take_alias(Expansion& expansion, Member member, Value value) const;
    Task<Result<void>> take_address(Expansion& expansion, Member member) const;
    Task<Result<std::string>> owner_of(std::string name) const;
    Task<Result<void>> include(Expansion& expansion, const Member& member) const;
    bool propagates(Origin origin) const;
    bool allows(const std::vector<std::string>& where, Origin origin) const;

    const Settings& settings_;
    const Classes& classes_;
    table::Maps alias_maps_;
    WorkerPool* workers_;
};

}  // namespace facteur::addressd
