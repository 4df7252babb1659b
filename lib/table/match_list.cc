#include "lib/table/match_list.h"

#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/main_cf.h"
#include "lib/config/param.h"
#include "lib/table/address_keys.h"
#include "lib/table/stamp.h"

namespace facteur::table {

MatchList::MatchList(Tables& tables, const std::vector<std::string>& patterns, bool parents_match)
    : parents_match_(parents_match) {
    for (const std::string& pattern : patterns)
        add(tables, pattern, 0);
}

void MatchList::add_file(Tables& tables, const std::string& path, int depth) {
    auto text = read_file(path);
    if (!text || depth > 10) {
        Item item;
        item.failure = text ? path + " includes itself" : text.error().text;
        log_warning(item.failure);
        items_.push_back(std::move(item));
        return;
    }
    for (const auto& line : conf::logical_lines(*text))
        for (const std::string& pattern : conf::parse_list(line.text))
            add(tables, pattern, depth + 1);
}

void MatchList::add(Tables& tables, std::string_view pattern, int depth) {
    Item item;
    while (pattern.starts_with('!')) {
        item.negated = !item.negated;
        pattern.remove_prefix(1);
    }
    if (pattern.starts_with('/')) {
        const std::size_t first = items_.size();
        add_file(tables, std::string(pattern), depth);
        for (std::size_t i = first; i < items_.size(); ++i)
            items_[i].negated = items_[i].negated != item.negated;
        return;
    }
    // "::1" and "[::1]" are addresses; "hash:/x" is a table.
    const bool address = address_bytes(pattern.substr(0, pattern.find('/'))).has_value();
    if (address) {
        item.literal = pattern;
        if (auto network = Network::parse(pattern)) {
            item.network = *std::move(network);
        } else {
            item.failure = network.error().text;
            log_warning(item.failure);
        }
    } else if (pattern.find(':') != std::string_view::npos && !pattern.starts_with('[')) {
        item.table = &tables.get(std::string(pattern));
    } else {
        item.name = to_lower(pattern);
    }
    items_.push_back(std::move(item));
}

bool MatchList::name_matches(const std::string& pattern, const std::string& name) const {
    if (pattern == name) return true;
    if (pattern.starts_with('.'))
        return !parents_match_ && name.size() > pattern.size() && name.ends_with(pattern);
    return parents_match_ && name.size() > pattern.size() && name.ends_with(pattern) &&
           name[name.size() - pattern.size() - 1] == '.';
}

Task<Result<bool>> MatchList::matches_name(std::string name) const {
    const std::string wanted = to_lower(name);
    for (const Item& item : items_) {
        if (!item.failure.empty()) co_return temporary(item.failure);
        if (!item.name.empty() && name_matches(item.name, wanted)) co_return !item.negated;
        // An address literal in a list of names stands for itself.
        if (!item.literal.empty() && item.literal == wanted) co_return !item.negated;
        if (!item.table) continue;
        for (const Key& key : domain_keys(wanted, parents_match_)) {
            if (!key.whole && item.table->has_patterns()) break;
            CO_TRY(auto value, co_await item.table->lookup(key.text));
            if (value) co_return !item.negated;
        }
    }
    co_return false;
}

Task<Result<bool>> MatchList::matches_exact(std::string name) const {
    const std::string wanted = to_lower(name);
    for (const Item& item : items_) {
        if (!item.failure.empty()) co_return temporary(item.failure);
        if (item.name == wanted || item.literal == wanted) co_return !item.negated;
        if (!item.table) continue;
        CO_TRY(auto value, co_await item.table->lookup(wanted));
        if (value) co_return !item.negated;
    }
    co_return false;
}

Result<bool> MatchList::find_exact(const std::string& name) const {
    const std::string wanted = to_lower(name);
    for (const Item& item : items_) {
        if (!item.failure.empty()) return temporary(item.failure);
        if (item.name == wanted || item.literal == wanted) return !item.negated;
        if (!item.table) continue;
        TRY(auto value, item.table->find(wanted));
        if (value) return !item.negated;
    }
    return false;
}

Task<Result<bool>> MatchList::matches_address(std::string ip) const {
    const auto bytes = address_bytes(ip);
    for (const Item& item : items_) {
        if (!item.failure.empty()) co_return temporary(item.failure);
        if (bytes && item.network && item.network->contains(*bytes)) co_return !item.negated;
        if (!item.table) continue;
        CO_TRY(auto value, co_await item.table->lookup(ip));
        if (value) co_return !item.negated;
    }
    co_return false;
}

}  // namespace facteur::table
