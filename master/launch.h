#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "lib/base/result.h"

namespace facteur::master {

/// A program to start: its words, its whole environment, and the descriptors that become 3, 4 …
/// in it (-1: stays closed).
struct Launch {
    std::string program;
    std::vector<std::string> arguments;  ///< without the program's name
    std::vector<std::string> environment;
    std::vector<int> descriptors;
};

/// Forks and executes.  The child has standard input from /dev/null, standard output and error
/// as master has them, default signals, and no other descriptor.
Result<pid_t> launch(const Launch& what);

/// What daemons keep of master's environment: time zone, language, and what tests hand down.
std::vector<std::string> kept_environment();

}  // namespace facteur::master
