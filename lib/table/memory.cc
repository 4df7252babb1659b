#include "lib/table/memory.h"

#include <cstdlib>
#include <random>

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

Found RandomTable::find(std::string_view) {
    static std::mt19937 random{std::random_device{}()};
    std::uniform_int_distribution<std::size_t> any(0, values_.size() - 1);
    return values_[any(random)];
}

Found EnvironmentTable::find(std::string_view key) {
    const std::string name(key);
    if (name.find('\0') != std::string::npos) return std::nullopt;
    const char* value = std::getenv(name.c_str());
    if (!value) return std::nullopt;
    return value;
}

Found FailingTable::find(std::string_view) {
    return trouble(why_);
}

}  // namespace facteur::table
