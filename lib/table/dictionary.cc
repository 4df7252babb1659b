#include "lib/table/dictionary.h"

namespace facteur::table {

Task<Found> Dictionary::lookup(std::string key) {
    co_return find(key);
}

std::unexpected<Error> Dictionary::trouble(std::string_view text) const {
    return temporary("table " + name_ + ": " + std::string(text), "4.3.0");
}

}  // namespace facteur::table
