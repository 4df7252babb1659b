#include "lib/store/maildir/properties.h"

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/store/index/folder_lock.h"
#include "lib/store/maildir/files.h"

namespace facteur::store::maildir {

namespace {

constexpr std::string_view kHead = "facteur properties 1\n";
constexpr const char* kFolderId = "/facteur.id";
constexpr std::size_t kIdBytes = 12;

bool is_id(std::string_view id) {
    return id.size() == 1 + 2 * kIdBytes && id.front() == 'F' && hex_decode(id.substr(1));
}

Result<void> flush_dir(const std::string& dir) {
    Fd fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) return system_error("flush " + dir);
    return {};
}

}  // namespace

std::string format_properties(const Properties& properties) {
    std::string text(kHead);
    for (const auto& [name, value] : properties)
        text += name + "\t" + base64_encode(value) + "\n";
    return text;
}

std::optional<Properties> parse_properties(std::string_view text) {
    Properties properties;
    if (!text.starts_with(kHead)) return std::nullopt;
    text.remove_prefix(kHead.size());
    while (!text.empty()) {
        std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return std::nullopt;
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        std::size_t tab = line.find('\t');
        if (tab == std::string_view::npos) return std::nullopt;
        auto value = base64_decode(line.substr(tab + 1));
        if (!value) return std::nullopt;
        properties[std::string(line.substr(0, tab))] = *std::move(value);
    }
    return properties;
}

Result<Properties> read_properties(const std::string& dir, const char* file) {
    std::string path = dir + "/" + file;
    TRY(std::string text, read_optional(path));
    if (text.empty()) return Properties();
    auto properties = parse_properties(text);
    // What cannot be understood is not overwritten either.
    if (!properties) return temporary(path + " is damaged");
    return *std::move(properties);
}

Result<void> change_properties(const std::string& dir, const std::vector<PropertyChange>& changes,
                               const PropertyFile& file) {
    TRY(auto lock, index::FolderLock::take(dir, file.mode));
    TRY(Properties properties, read_properties(dir, file.file));
    for (const PropertyChange& change : changes) {
        if (change.name.find_first_of("\t\n") != std::string::npos) {
            return permanent("Invalid name of a property", "5.1.3");
        }
        properties.erase(change.name);
        if (change.value) properties[change.name] = *change.value;
    }
    if (properties.size() > file.most) return permanent("Too many annotations", "5.2.2");
    TRY_VOID(replace_file(dir + "/" + file.file, format_properties(properties), file.mode));
    return flush_dir(dir);
}

Result<std::string> folder_id(const std::string& dir, unsigned mode) {
    std::string id(trim(read_file(dir + kFolderId, 64)));
    if (is_id(id)) return id;
    TRY(auto lock, index::FolderLock::take(dir, mode));
    id = trim(read_file(dir + kFolderId, 64));
    if (is_id(id)) return id;
    id = "F" + hex_encode(random_bytes(kIdBytes));
    TRY_VOID(replace_file(dir + kFolderId, id + "\n", mode));
    return id;
}

}  // namespace facteur::store::maildir
