#include "lib/base/result.h"

#include <cerrno>
#include <cstring>

namespace facteur {

std::unexpected<Error> system_error(std::string what) {
    const char* reason = std::strerror(errno);
    return temporary(std::move(what) + ": " + reason);
}

}  // namespace facteur
