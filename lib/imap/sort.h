#pragma once

#include <vector>

#include "lib/imap/scanner.h"
#include "lib/imap/search.h"

namespace facteur::imap {

/// One criterion of RFC 5256 section 3 or RFC 5957 section 3.
struct SortKey {
    enum class Kind { arrival, cc, date, from, size, subject, to, display_from, display_to };
    Kind kind = Kind::arrival;
    bool reverse = false;
    bool operator==(const SortKey&) const = default;
};

struct SortArguments {
    std::vector<SortKey> keys;  ///< at most 20
    SearchProgram program;
};
/// Behind "SORT " and the return options.
Result<SortArguments> parse_sort(Scanner& scanner, const SearchLimits& limits);

enum class ThreadAlgorithm { ordered_subject, references, refs };
struct ThreadArguments {
    ThreadAlgorithm algorithm = ThreadAlgorithm::references;
    SearchProgram program;
};
/// Behind "THREAD ".
Result<ThreadArguments> parse_thread(Scanner& scanner, const SearchLimits& limits);

}  // namespace facteur::imap
