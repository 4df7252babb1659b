#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// The addresses of a header field where they stand, so that each can be replaced and all else
/// (names, comments, encoded words, groups, folding) stays as it came: RFC 5322 section 3.4.
namespace facteur::cleanup {

/// Whose addresses a field has (canonical_classes: header_sender, header_recipient).
enum class FieldClass : unsigned char { none, sender, recipient };
FieldClass field_class(std::string_view name);

/// One address in a field's value, its route with it.
struct AddressSpan {
    std::size_t at = 0;
    std::size_t size = 0;
    std::string address;  ///< internal form, unquoted, without comments and route
    bool operator==(const AddressSpan&) const = default;
};

/// In their order; what is no address is not mentioned.  At most `limit`.
std::vector<AddressSpan> address_spans(std::string_view value, std::size_t limit);

/// The value with each span's address as it is now.
std::string with_addresses(std::string_view value, const std::vector<AddressSpan>& spans);

}  // namespace facteur::cleanup
