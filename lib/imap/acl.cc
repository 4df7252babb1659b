#include "lib/imap/acl.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

bool has_any(std::string_view rights, std::string_view wanted) {
    return rights.find_first_of(wanted) != std::string_view::npos;
}

}  // namespace

std::string told_rights(std::string_view rights) {
    std::string told(rights);
    if (has_any(rights, "kx")) told += 'c';
    if (has_any(rights, "te")) told += 'd';
    return told;
}

Result<AclModification> parse_acl_change(Scanner& scanner, bool is_deletion) {
    AclModification change;
    TRY_VOID(scanner.sp());
    TRY(change.identifier, scanner.astring());
    if (change.identifier.empty() || change.identifier.size() > 255) {
        return permanent("Invalid identifier", "5.5.2");
    }
    if (is_deletion) {
        TRY_VOID(scanner.end());
        return change;
    }
    TRY_VOID(scanner.sp());
    TRY(std::string wanted, scanner.astring());
    TRY_VOID(scanner.end());
    std::string_view letters = wanted;
    if (letters.starts_with('+') || letters.starts_with('-')) {
        change.sign = letters.front();
        letters.remove_prefix(1);
    }
    std::string all;
    for (char right : letters) {
        // RFC 4314 section 2.1.1: what the obsolete ones stand for.
        if (right == 'c') {
            all += "kx";
        } else if (right == 'd') {
            all += "te";
        } else if (kRights.find(right) != std::string_view::npos) {
            all += right;
        } else {
            return permanent("Unknown right", "5.5.2");  // section 3.1
        }
    }
    for (char right : kRights)
        if (all.find(right) != std::string::npos) change.rights += right;
    return change;
}

}  // namespace facteur::imap
