#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::mime {

/// The same message without NUL: bodies with one become base64, and their headers say so (RFC 3516
/// section 4.4).  An Error (5.6.1) when a NUL stands where no encoding reaches.
Result<std::string> without_nul(std::string_view message);

}  // namespace facteur::mime
