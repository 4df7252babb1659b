#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/mime/part.h"

namespace facteur::mime {

/// Content-Type or Content-Disposition: "value; name=value; …".
struct Parameterized {
    std::string value;    ///< lower case, before the slash
    std::string subtype;  ///< lower case, after the slash
    std::vector<Parameter> parameters;
    bool operator==(const Parameterized&) const = default;
};

/// RFC 2045 section 5.1 and RFC 2183 section 2, tolerant of what is seen: missing semicolons at
/// the end, spaces around "=" and "/", unquoted values with odd characters, empty parameters.
/// Pieces of RFC 2231 section 3 become one parameter, "name*" where some piece was encoded.
Parameterized parse_parameterized(std::string_view field_value);
/// The octets of a "name*" parameter (RFC 2231 section 4), without their charset.
std::string decode_extended(std::string_view value);

}  // namespace facteur::mime
