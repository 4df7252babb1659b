#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::policyd {

/// Keys and values in a Berkeley DB that outlive the process: a cache, not a promise.  Each change
/// is whole or not there, whenever the process is killed; a power cut may take the last ones.
class DurableMap {
public:
    /// name: "btree:/folder/file" or "hash:…", a file ".db" and a folder ".env" beside it with the
    /// log of its changes.  What cannot be read any more is set aside, and the map is empty.
    static Result<std::unique_ptr<DurableMap>> open(const std::string& name);
    ~DurableMap();
    DurableMap(const DurableMap&) = delete;
    DurableMap& operator=(const DurableMap&) = delete;

    Result<std::optional<std::string>> get(std::string_view key);
    Result<void> put(std::string_view key, std::string_view value);
    Result<void> erase(std::string_view key);
    /// The records behind `after` in the file's order, "" for the first ones, no more than `limit`;
    /// gives the last key, or nothing at the end.
    Result<std::optional<std::string>> each(
        const std::string& after, std::size_t limit,
        const std::function<void(const std::string& key, const std::string& value)>& found);
    /// Writes what is in memory into the file, so that the log can be cut.
    void checkpoint();

private:
    struct Handles;
    explicit DurableMap(std::unique_ptr<Handles> handles);
    std::unique_ptr<Handles> handles_;
};

}  // namespace facteur::policyd
