#include "lib/store/folder_cache.h"

#include <algorithm>

#include <sys/resource.h>

#include "lib/store/maildir/tree.h"

namespace facteur::store {

void set_folder_cache(std::size_t most) {
    constexpr rlim_t kDescriptors = 3;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
        most = std::min<rlim_t>(most, limit.rlim_cur / 8 / kDescriptors);
    maildir::keep_folders(most);
}

}  // namespace facteur::store
