#include "tools/facteur/table_place.h"

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/main_cf.h"
#include "lib/table/address_keys.h"
#include "lib/table/key_values.h"
#include "lib/table/rules.h"

namespace facteur::tool {
namespace {

std::unique_ptr<table::PatternLanguage> language_of(std::string_view type) {
    if (type == "regexp") return table::posix_patterns();
    if (type == "pcre") return table::perl_patterns();
    if (type == "cidr") return table::networks();
    return nullptr;
}

/// What an access table is asked of a client, a name or an address: itself and its parts.
std::set<std::string> parts_of(const std::vector<std::string>& keys) {
    std::set<std::string> parts;
    auto take = [&parts](const std::vector<table::Key>& questions) {
        for (const table::Key& each : questions)
            parts.insert(to_lower(each.text));
    };
    for (const std::string& key : keys) {
        if (key.empty()) continue;
        parts.insert(to_lower(key));
        for (bool parents : {false, true}) {
            take(table::access_address_keys(key, "+-", parents));
            take(table::domain_keys(key, parents));
        }
        take(table::network_keys(key));
    }
    return parts;
}

/// Behind the line at `start` and those that begin with a space, which go on with it.
std::size_t end_of_entry(std::string_view text, std::size_t start) {
    std::size_t end = start;
    do {
        const auto next = text.find('\n', end);
        end = next == std::string_view::npos ? text.size() : next + 1;
    } while (end < text.size() && (text[end] == ' ' || text[end] == '\t'));
    return end;
}

/// The line of the first rule that answers: with those up to it the table answers, with fewer not.
int line_of_rule(const table::PatternLanguage& language, std::string_view text,
                 const std::string& key) {
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = end_of_entry(text, start);
        const bool blank = is_space(text[start]) || text[start] == '#';
        std::vector<conf::Problem> ignored;
        table::RuleTable rules("rules", text.substr(0, end), language, ignored);
        const auto found = blank ? table::Found(std::nullopt) : rules.find(key);
        const std::string_view before = text.substr(0, start);
        if (found && *found)
            return static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
        start = end;
    }
    return 0;
}

}  // namespace

TablePlace place_in_table(const std::string& table, const std::vector<std::string>& keys,
                          const std::string& value) {
    std::string_view whole(table);
    while (whole.starts_with("proxy:"))
        whole.remove_prefix(6);
    const auto colon = whole.find(':');
    TablePlace place;
    if (colon == std::string_view::npos || whole.substr(colon + 1, 1) != "/") return place;
    const std::string_view type = whole.substr(0, colon);
    place.file = whole.substr(colon + 1);
    const auto text = read_file(place.file);
    if (!text) return place;
    if (const auto language = language_of(type)) {
        // Rules are asked whole keys only.
        for (const std::string& key : keys) {
            if (place.line == 0 && !key.empty()) place.line = line_of_rule(*language, *text, key);
        }
        return place;
    }
    const std::set<std::string> parts = parts_of(keys);
    const table::Source source = type == "aliases" ? table::parse_aliases(*text, place.file)
                                                   : table::parse_map(*text, place.file);
    for (const table::Entry& entry : source.entries) {
        if (entry.value != value || !parts.contains(to_lower(entry.key))) continue;
        place.line = entry.line;
        break;
    }
    return place;
}

}  // namespace facteur::tool
