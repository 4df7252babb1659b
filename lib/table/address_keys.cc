#include "lib/table/address_keys.h"

#include "lib/base/text.h"

namespace facteur::table {
namespace {

bool stays_whole(std::string_view local, const Delimiters& delimiters) {
    for (std::string_view name : {"postmaster", "mailer-daemon", "double-bounce"})
        if (iequals(local, name)) return true;
    if (!delimiters.owners_whole || delimiters.characters.find('-') == std::string_view::npos)
        return false;
    return istarts_with(local, "owner-") || (local.size() > 8 && iends_with(local, "-request"));
}

Key part(std::string text) {
    return Key{std::move(text), false, false};
}

}  // namespace

AddressParts split_address(std::string_view address, Delimiters delimiters) {
    AddressParts parts;
    const auto at = address.rfind('@');
    std::string_view local = address.substr(0, at);
    if (at != std::string_view::npos) parts.domain = address.substr(at + 1);
    const auto place = local.find_first_of(delimiters.characters);
    // "+foo" is a user of that name: an empty user has no folders.
    if (place != std::string_view::npos && place > 0 && place + 1 < local.size() &&
        !stays_whole(local, delimiters)) {
        parts.extension = local.substr(place);
        local = local.substr(0, place);
    }
    parts.local = local;
    return parts;
}

std::vector<Key> address_keys(std::string_view address, Delimiters delimiters, bool is_own) {
    const AddressParts parts = split_address(address, delimiters);
    const bool extended = !parts.extension.empty();
    const bool has_domain = address.find('@') != std::string_view::npos;
    const std::string at_domain = has_domain ? "@" + parts.domain : std::string();

    std::vector<Key> keys;
    keys.push_back(Key{std::string(address), true, false});
    if (extended) keys.push_back(Key{parts.local + at_domain, false, true});
    if (!has_domain) return keys;
    if (is_own) {
        keys.push_back(part(parts.local + parts.extension));
        if (extended) keys.push_back(Key{parts.local, false, true});
    }
    keys.push_back(part(at_domain));
    return keys;
}

std::vector<Key> domain_keys(std::string_view domain, bool parents_match) {
    std::vector<Key> keys;
    keys.push_back(Key{std::string(domain), true, false});
    for (auto dot = domain.find('.', 1); dot != std::string_view::npos;
         dot = domain.find('.', dot + 1)) {
        const std::string_view parent = domain.substr(parents_match ? dot + 1 : dot);
        if (parent.size() > (parents_match ? 0u : 1u)) keys.push_back(part(std::string(parent)));
    }
    return keys;
}

std::vector<Key> access_address_keys(std::string_view address, Delimiters delimiters,
                                     bool parents_match) {
    const AddressParts parts = split_address(address, delimiters);
    const bool extended = !parts.extension.empty();
    const bool has_domain = !parts.domain.empty();
    std::vector<Key> keys;
    keys.push_back(Key{std::string(address), true, false});
    if (extended) {
        keys.push_back(
            Key{parts.local + (has_domain ? "@" + parts.domain : std::string()), false, true});
    }
    if (has_domain) {
        for (Key& key : domain_keys(parts.domain, parents_match)) {
            key.whole = false;
            keys.push_back(std::move(key));
        }
    }
    keys.push_back(part(parts.local + parts.extension + "@"));
    if (extended) keys.push_back(Key{parts.local + "@", false, true});
    return keys;
}

std::vector<Key> network_keys(std::string_view ip) {
    std::vector<Key> keys;
    keys.push_back(Key{std::string(ip), true, false});
    const char separator = ip.find(':') == std::string_view::npos ? '.' : ':';
    for (auto end = ip.rfind(separator); end != std::string_view::npos && end > 0;
         end = ip.rfind(separator)) {
        ip = ip.substr(0, end);
        keys.push_back(part(std::string(ip)));
    }
    return keys;
}

std::vector<Key> transport_keys(std::string_view address, Delimiters delimiters,
                                bool parents_match) {
    const AddressParts parts = split_address(address, delimiters);
    std::vector<Key> keys;
    keys.push_back(Key{std::string(address), true, false});
    if (!parts.extension.empty())
        keys.push_back(Key{parts.local + "@" + parts.domain, false, true});
    if (!parts.domain.empty()) {
        for (Key& key : domain_keys(parts.domain, parents_match)) {
            key.whole = false;
            keys.push_back(std::move(key));
        }
    }
    keys.push_back(part("*"));
    return keys;
}

}  // namespace facteur::table
