#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/store/store.h"

namespace facteur::store::maildir {

/// Beside the messages of a folder, and beside the folders: what stands in Properties, a line each,
/// and the folder's id (RFC 8474) in a file of its own.  Both move with the folder.
constexpr const char* kFolderProperties = "facteur.properties";
constexpr const char* kStoreProperties = "facteur.store-properties";

/// None when the file is not there.
Result<Properties> read_properties(const std::string& dir, const char* file = kFolderProperties);

struct PropertyFile {
    const char* file = kFolderProperties;
    std::size_t most = 1000;  ///< entries
    unsigned mode = 0600;
};
/// Under the folder's lock, flushed.
Result<void> change_properties(const std::string& dir, const std::vector<PropertyChange>& changes,
                               const PropertyFile& file);

/// The folder's id, made when there is none.
Result<std::string> folder_id(const std::string& dir, unsigned mode);

/// The file's text: a first line with its version, then name, TAB, value in base64.
std::string format_properties(const Properties& properties);
std::optional<Properties> parse_properties(std::string_view text);

}  // namespace facteur::store::maildir
