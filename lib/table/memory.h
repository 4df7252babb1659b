#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lib/table/dictionary.h"
#include "lib/table/key_values.h"

namespace facteur::table {

/// Keys and values in memory: texthash: and inline:.  The first of several equal keys wins.
class MemoryTable : public Dictionary {
public:
    MemoryTable(std::string name, std::vector<Entry> entries);
    Found find(std::string_view key) override;

private:
    std::unordered_map<std::string, std::string> values_;
};

/// static: the same value for every key; fail: a temporary Error for every key.
class StaticTable : public Dictionary {
public:
    StaticTable(std::string name, std::string value)
        : Dictionary(std::move(name)), value_(std::move(value)) {}
    Found find(std::string_view key) override;

private:
    std::string value_;
};
/// randmap:{a,b}: one of the values, by chance.
class RandomTable : public Dictionary {
public:
    RandomTable(std::string name, std::vector<std::string> values)
        : Dictionary(std::move(name)), values_(std::move(values)) {}
    bool has_patterns() const override { return true; }
    Found find(std::string_view key) override;

private:
    std::vector<std::string> values_;
};
/// environ: the variables of the process's environment.
class EnvironmentTable : public Dictionary {
public:
    using Dictionary::Dictionary;
    Found find(std::string_view key) override;
};
class FailingTable : public Dictionary {
public:
    FailingTable(std::string name, std::string why)
        : Dictionary(std::move(name)), why_(std::move(why)) {}
    Found find(std::string_view key) override;

private:
    std::string why_;
};

}  // namespace facteur::table
