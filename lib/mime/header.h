#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::mime {

/// One header field.  The views point into the message.
struct Field {
    std::string_view name;   ///< without spaces before the colon
    std::string_view value;  ///< after the colon, folded as it stands, without the last line end
    std::string_view raw;    ///< everything, with the last line end
};

/// Takes fields off the front of a header, CRLF or LF, until the empty line or the end.
class FieldReader {
public:
    explicit FieldReader(std::string_view header) : rest_(header) {}
    /// False at the end.  A line without a colon is a field with an empty name.
    bool next(Field& field);

private:
    std::string_view rest_;
};

/// Length of the header of this message, the empty line that ends it included.
std::size_t header_length(std::string_view message);

/// Value of the first field of that name (any case), unfolded and trimmed.
std::optional<std::string> field_value(std::string_view header, std::string_view name);

/// RFC 5322 section 2.2.3: without the line ends of the folding; also removes NULs.
std::string unfold(std::string_view value);

/// The fields whose names are in `names` (any case), raw and in their order.
std::string select_fields(std::string_view header, const std::vector<std::string>& names);

}  // namespace facteur::mime
