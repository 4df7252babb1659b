#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace facteur::tool {

/// One parameter as `DAEMON --parameters` prints it (conf::parameter_table()).
struct Known {
    std::string name, type, unit, default_text, allowed, description;
    std::string suffix;                 ///< SERVICE + suffix sets it for one service
    std::vector<std::string> programs;  ///< who uses it
};

/// All parameters of the suite by name.
class KnownParameters {
public:
    /// Asks these programs (paths); one that cannot be asked is left out and named in `failed`.
    explicit KnownParameters(const std::vector<std::string>& programs);

    const Known* find(std::string_view name) const;
    /// The parameter that `name` sets for one service, and that service.
    struct ForService {
        const Known* known = nullptr;  ///< nullptr: it is no such name
        std::string_view service;
    };
    ForService find_for_service(std::string_view name) const;
    /// The known name that was probably meant; empty when none is near.
    std::string nearest(std::string_view name) const;
    const std::map<std::string, Known, std::less<>>& all() const { return known_; }
    const std::vector<std::string>& failed() const { return failed_; }

private:
    void take(std::string_view table, const std::string& program);

    std::map<std::string, Known, std::less<>> known_;
    std::vector<std::string> failed_;
};

/// The programs of the suite that are built: the daemons, beside this program or where they are
/// installed.
std::vector<std::string> suite_programs();

/// What a program prints on standard output when it ends with status 0.
Result<std::string> output_of(const std::vector<std::string>& words,
                              const std::vector<std::string>& environment = {});

/// How many letters have to be changed, added or dropped to make one word of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace facteur::tool
