#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace facteur::table {

/// An address in internal form, taken apart.
struct AddressParts {
    std::string local;      ///< without extension
    std::string extension;  ///< with its delimiter, "+folder"; may be empty
    std::string domain;     ///< may be empty
};
/// recipient_delimiter, and whether owner- and -request names stay whole where it holds a '-'
/// (owner_request_special).
struct Delimiters {
    Delimiters(const char* text) : characters(text) {}         // NOLINT: a text is enough
    Delimiters(std::string_view text) : characters(text) {}    // NOLINT
    Delimiters(const std::string& text) : characters(text) {}  // NOLINT
    Delimiters(std::string_view text, bool special) : characters(text), owners_whole(special) {}
    std::string_view characters;
    bool owners_whole = true;
};

/// Splits at the last '@' and at the first of the delimiters; names that must stay whole
/// (postmaster, mailer-daemon, double-bounce, and owner- and -request with '-') do.
AddressParts split_address(std::string_view address, Delimiters delimiters);

/// One question to a table on the way from the whole address to its parts.
struct Key {
    std::string text;
    bool whole = true;               ///< pattern tables are asked only this one
    bool without_extension = false;  ///< a result may get the extension back
    bool operator==(const Key&) const = default;
};

/// The order of canonical(5), virtual(5) and of recipient maps: user+ext@domain, user@domain, and
/// for a domain that is this host's own (`is_own`): user+ext, user; then @domain.
std::vector<Key> address_keys(std::string_view address, Delimiters delimiters, bool is_own);

/// The order of access(5) for addresses: user+ext@domain, user@domain, domain and its parents,
/// user+ext@, user@.  With `parents_match`, "example.com" also matches its subdomains; without,
/// only ".example.com" does.
std::vector<Key> access_address_keys(std::string_view address, Delimiters delimiters,
                                     bool parents_match);

/// host.example.com, then example.com, com (parents_match) or .example.com, .com.
std::vector<Key> domain_keys(std::string_view domain, bool parents_match);

/// access(5) for clients: 192.0.2.1, 192.0.2, 192.0, 192; 2001:db8:0:0::1 likewise at colons.
std::vector<Key> network_keys(std::string_view ip);

/// transport(5): user+ext@domain, user@domain, domain and parents, "*".
std::vector<Key> transport_keys(std::string_view address, Delimiters delimiters,
                                bool parents_match);

}  // namespace facteur::table
