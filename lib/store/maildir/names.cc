#include "lib/store/maildir/names.h"

#include <array>
#include <utility>

#include "lib/base/text.h"
#include "lib/mime/utf7.h"

namespace facteur::store::maildir {
namespace {

constexpr std::size_t kMostBytes = 240;  // file systems take 255, with room for suffixes

constexpr std::array<std::pair<std::string_view, Role>, 14> kRoles = {{
    {"archive", Role::archive},
    {"archives", Role::archive},
    {"drafts", Role::drafts},
    {"junk", Role::junk},
    {"spam", Role::junk},
    {"junk e-mail", Role::junk},
    {"sent", Role::sent},
    {"sent items", Role::sent},
    {"sent messages", Role::sent},
    {"sent mail", Role::sent},
    {"trash", Role::trash},
    {"deleted items", Role::trash},
    {"deleted messages", Role::trash},
    {"bin", Role::trash},
}};

bool usable_level(std::string_view level) {
    if (level.empty()) return false;
    for (char c : level) {
        // "/" would leave the Maildir, "." would start another level.
        if (c == '/' || c == '.' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    }
    return true;
}

}  // namespace

bool is_inbox(std::string_view mailbox) {
    return iequals(mailbox, "INBOX");
}

std::optional<std::string> folder_name(std::string_view mailbox, char separator) {
    if (is_inbox(mailbox)) return std::string();
    std::string out;
    for (std::string_view level : split(mailbox, separator)) {
        if (!usable_level(level)) return std::nullopt;
        auto encoded = mime::utf8_to_utf7(level);
        if (!encoded) return std::nullopt;
        out += "." + *encoded;
    }
    if (out.size() > kMostBytes) return std::nullopt;
    return out;
}

std::optional<std::string> mailbox_name(std::string_view folder, char separator) {
    if (folder.size() < 2 || folder[0] != '.') return std::nullopt;
    std::string out;
    for (std::string_view level : split(folder.substr(1), '.')) {
        auto decoded = mime::utf7_to_utf8(level);
        if (!decoded || !usable_level(*decoded) || decoded->find(separator) != std::string::npos)
            return std::nullopt;
        if (!out.empty()) out.push_back(separator);
        out += *decoded;
    }
    return out;
}

Role role_of(std::string_view mailbox) {
    for (const auto& [name, role] : kRoles)
        if (iequals(name, mailbox)) return role;
    return Role::none;
}

}  // namespace facteur::store::maildir
