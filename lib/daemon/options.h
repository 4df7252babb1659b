#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lib/base/result.h"

namespace facteur::daemon {

/// The command line that master gives to a daemon.
struct Options {
    std::string service;                                         ///< -n name
    unsigned slot = 0;                                           ///< -i number
    bool chroot = false;                                         ///< -c
    bool privileged = false;                                     ///< -p: unpriv is "n"
    bool debug = false;                                          ///< -v
    bool check = false;                                          ///< --check
    bool parameters = false;                                     ///< --parameters
    std::vector<std::pair<std::string, std::string>> overrides;  ///< -o name=value
    std::vector<std::string> arguments;                          ///< the rest
};

/// Pure, so that it can be tested; knows no other options.
Result<Options> parse_options(const std::vector<std::string>& words);

}  // namespace facteur::daemon
