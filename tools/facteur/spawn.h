#pragma once

#include <string>
#include <vector>

#include "lib/base/result.h"

namespace facteur::tool {

/// Runs words[0], a path, with the words as arguments; returns its exit status, 1 for a signal.
Result<int> run_program(std::vector<std::string> words);

}  // namespace facteur::tool
