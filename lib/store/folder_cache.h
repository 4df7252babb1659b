#pragma once

#include <cstddef>

namespace facteur::store {

/// For a process that delivers: the folders that it used last stay open (three descriptors each),
/// at most so many, and at most what an eighth of the descriptors of this process allows.  0, as
/// long as nobody calls it: none.
void set_folder_cache(std::size_t most);

}  // namespace facteur::store
