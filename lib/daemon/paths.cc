#include "lib/daemon/paths.h"

#include <sys/stat.h>

#include "lib/base/text.h"

namespace facteur::daemon {
namespace {

bool is_folder(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/// What is certain in a path with variables: "/srv/mail/%d/%n" is below "/srv/mail".
std::string folder_of(std::string_view path) {
    auto variable = path.find_first_of("%*$");
    std::string known(path.substr(0, variable));
    if (variable == std::string_view::npos && is_folder(known)) return known;
    auto slash = known.rfind('/');
    return slash == 0 ? "/" : known.substr(0, slash);
}

}  // namespace

std::vector<std::string> paths_of(const std::string& entry,
                                  const std::function<std::string(std::string_view)>& expand) {
    if (entry.find('$') == std::string::npos) return {entry};
    std::vector<std::string> paths;
    const std::string text = expand(entry);
    for (std::string_view piece : words(text, ", \t\r\n{}:="))
        if (piece.starts_with('/')) paths.push_back(folder_of(piece));
    return paths;
}

}  // namespace facteur::daemon
