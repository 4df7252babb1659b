#pragma once

#include <string_view>

namespace facteur {

/// write(2) until all is written; false tells errno.
bool write_all(int fd, std::string_view bytes);

}  // namespace facteur
