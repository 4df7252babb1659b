#include "lib/table/maps.h"

namespace facteur::table {

Maps::Maps(Tables& tables, const std::vector<std::string>& names) {
    for (const std::string& name : names)
        tables_.push_back(&tables.get(name));
}

Task<Found> Maps::find(std::string key) const {
    for (Dictionary* table : tables_) {
        CO_TRY(auto value, co_await table->lookup(key));
        // Postfix: an empty result is a mistake in the table, and counts as none.
        if (value && !value->empty()) co_return value;
    }
    co_return std::nullopt;
}

Task<Result<std::optional<Hit>>> Maps::search(std::vector<Key> keys) const {
    for (Key& key : keys) {
        for (Dictionary* table : tables_) {
            if (!key.whole && table->has_patterns()) continue;
            CO_TRY(auto value, co_await table->lookup(key.text));
            if (!value || value->empty()) continue;
            Hit hit{*std::move(value), std::move(key), table};
            co_return hit;
        }
    }
    co_return std::nullopt;
}

}  // namespace facteur::table
