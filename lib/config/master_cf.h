#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/config/main_cf.h"

namespace facteur::conf {

/// One service of master.cf, with the meaning of "-" filled in.
struct ServiceLine {
    enum class Type {
        inet,
        unix,
        pass,  ///< gets connections from a service postscreen
    };
    static constexpr int kDefaultLimit = -1;

    std::string name;  ///< "smtp", "127.0.0.1:2525", "[::1]:25", or a socket's name
    Type type = Type::unix;
    bool is_private = true;  ///< in private/ rather than public/
    bool unprivileged = true;
    bool chroot = false;
    int wakeup = 0;                     ///< seconds; 0: never
    int max_processes = kDefaultLimit;  ///< 0: no limit
    std::string command;
    std::vector<std::string> arguments;                          ///< without the -o pairs
    std::vector<std::pair<std::string, std::string>> overrides;  ///< -o name=value
    int line = 0;

    /// What tells services apart: there is one of each.
    std::string key() const {
        constexpr const char* kPrefix[] = {"inet:", "unix:", "pass:"};
        return kPrefix[static_cast<int>(type)] + name;
    }
    bool operator==(const ServiceLine&) const = default;
};

/// master.cf as a list of services.
struct MasterCf {
    std::vector<ServiceLine> services;
    std::vector<Problem> problems;  ///< a line with an error is not in services

    const ServiceLine* find(std::string_view name, ServiceLine::Type type) const;
};

/// Parses Postfix's master(5) format: eight columns, "-" for the default, continuation lines,
/// comments, `-o name=value`, `-o { name = value }`, `{ argument with spaces }`.
MasterCf parse_master_cf(std::string_view text, const std::string& file);

}  // namespace facteur::conf
