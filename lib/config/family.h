#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"

namespace facteur::conf {

/// Parameters of one program under other names, as Postfix has it: smtp(8) and lmtp(8) are one
/// program, which reads smtp_X for the one and lmtp_X for the other.
struct Family {
    std::string_view ours;    ///< "smtp_": what the declared names begin with
    std::string_view others;  ///< "lmtp_": what they begin with for the other family
    std::string_view word;    ///< the service's name, or a word of its command line
    /// Names that differ in more than the beginning.
    std::map<std::string, std::string, std::less<>> renamed;

    /// Whether the service has the other names.
    bool serves(std::string_view service, const std::vector<std::string>& arguments) const;
    /// main.cf as the program reads it: the other names' values under the declared names, and
    /// nothing of what our own names set there; -o smtp_X remains.
    MainCf translate(const MainCf& main_cf) const;
    /// Rows for the other names, from those of parameter_table().
    std::string parameter_table(std::string_view table) const;

private:
    std::string declared(std::string_view other) const;
    std::string with_main_cf_names(std::string_view value) const;
};

}  // namespace facteur::conf
