#include "lib/imap/list.h"

#include "lib/base/text.h"
#include "lib/imap/arguments.h"

namespace facteur::imap {

namespace {

// RFC 5258 section 6: list-select-opts, behind its "("
Result<void> selection_options(Scanner& scanner, ListArguments& arguments) {
    arguments.is_extended = true;
    while (!scanner.take(')')) {
        std::string name = scanner.keyword();
        if (name == "SUBSCRIBED") {
            arguments.only_subscribed = true;
        } else if (name == "SPECIAL-USE") {
            arguments.only_special_use = true;
        } else if (name == "RECURSIVEMATCH") {
            arguments.recursive_match = true;
        } else if (name != "REMOTE") {  // there are no remote mailboxes to leave out
            return permanent("Unknown LIST selection option " + printable(name, 40), "5.5.2");
        }
        if (!scanner.next_is(')')) {
            TRY_VOID(scanner.sp());
        }
    }
    // RFC 5258 section 3.1
    if (arguments.recursive_match && !arguments.only_subscribed && !arguments.only_special_use) {
        return permanent("RECURSIVEMATCH cannot stand alone", "5.5.2");
    }
    return scanner.sp();
}

// RFC 5258 section 6: patterns, behind their "("
Result<void> patterns(Scanner& scanner, ListArguments& arguments, std::size_t limit) {
    arguments.is_extended = true;
    for (;;) {
        if (arguments.patterns.size() == limit) return permanent("Too many patterns", "5.5.2");
        TRY(std::string pattern, scanner.list_mailbox());
        arguments.patterns.push_back(std::move(pattern));
        if (scanner.take(')')) return {};
        TRY_VOID(scanner.sp());
    }
}

constexpr std::size_t kMaxEntries = 50;  // RFC 9590: asked of each mailbox

// RFC 5258 section 6: list-return-opts
Result<void> return_options(Scanner& scanner, ListArguments& arguments) {
    arguments.is_extended = true;
    TRY_VOID(scanner.sp());
    if (scanner.keyword() != "RETURN") return permanent("RETURN expected", "5.5.2");
    TRY_VOID(scanner.sp());
    TRY_VOID(scanner.expect('('));
    while (!scanner.take(')')) {
        std::string name = scanner.keyword();
        if (name == "SUBSCRIBED") {
            arguments.tell_subscribed = true;
        } else if (name == "STATUS") {
            TRY_VOID(scanner.sp());
            TRY(arguments.status, parse_status_items(scanner));
        } else if (name == "MYRIGHTS") {
            arguments.tell_my_rights = true;
        } else if (name == "METADATA" && !arguments.metadata) {
            TRY_VOID(scanner.sp());
            arguments.metadata.emplace();
            TRY(arguments.metadata->entries, parse_metadata_entries(scanner, kMaxEntries));
        } else if (name != "CHILDREN" && name != "SPECIAL-USE") {
            return permanent("Unknown LIST return option " + printable(name, 40), "5.5.2");
        }
        if (!scanner.next_is(')')) {
            TRY_VOID(scanner.sp());
        }
    }
    return {};
}

}  // namespace

Result<ListArguments> parse_list(Scanner& scanner, std::size_t limit) {
    ListArguments arguments;
    TRY_VOID(scanner.sp());
    if (scanner.take('(')) {
        TRY_VOID(selection_options(scanner, arguments));
    }
    TRY(arguments.reference, scanner.astring());
    TRY_VOID(scanner.sp());
    if (scanner.take('(')) {
        TRY_VOID(patterns(scanner, arguments, limit));
    } else {
        TRY(std::string pattern, scanner.list_mailbox());
        arguments.patterns.push_back(std::move(pattern));
    }
    if (!scanner.at_end()) {
        TRY_VOID(return_options(scanner, arguments));
    }
    TRY_VOID(scanner.end());
    return arguments;
}

}  // namespace facteur::imap
