#include <utility>

#include "lib/base/text.h"
#include "lib/store/store.h"

namespace facteur::store {

namespace {

// RFC 6154 section 2
constexpr std::pair<Role, std::string_view> kRoleNames[] = {
    {Role::all, "\\All"},         {Role::archive, "\\Archive"}, {Role::drafts, "\\Drafts"},
    {Role::flagged, "\\Flagged"}, {Role::junk, "\\Junk"},       {Role::sent, "\\Sent"},
    {Role::trash, "\\Trash"},
};

}  // namespace

std::string_view role_name(Role role) {
    for (const auto& [known, name] : kRoleNames)
        if (known == role) return name;
    return {};
}

Role role_named(std::string_view name) {
    for (const auto& [role, known] : kRoleNames)
        if (iequals(known, name)) return role;
    return Role::none;
}

}  // namespace facteur::store
