#include "lib/table/memory.h"

#include "lib/base/text.h"

namespace facteur::table {

MemoryTable::MemoryTable(std::string name, std::vector<Entry> entries)
    : Dictionary(std::move(name)) {
    values_.reserve(entries.size());
    for (Entry& entry : entries)
        values_.try_emplace(to_lower(entry.key), std::move(entry.value));
}

Found MemoryTable::find(std::string_view key) {
    const auto found = values_.find(to_lower(key));
    if (found == values_.end()) return std::nullopt;
    return found->second;
}

Found StaticTable::find(std::string_view) {
    return value_;
}

Found FailingTable::find(std::string_view) {
    return trouble(why_);
}

}  // namespace facteur::table
