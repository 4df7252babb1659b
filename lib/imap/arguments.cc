#include "lib/imap/arguments.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

// RFC 4466 section 2.5 store-modifiers
Result<void> store_modifiers(Scanner& scanner, StoreArguments& arguments) {
    if (!scanner.take('(')) return {};
    if (scanner.keyword() != "UNCHANGEDSINCE") {
        return permanent("Unknown STORE modifier", "5.5.2");
    }
    TRY_VOID(scanner.sp());
    TRY(arguments.unchanged_since, scanner.modseq());
    TRY_VOID(scanner.expect(')'));
    return scanner.sp();
}

// RFC 7162 section 7 select-param, behind "QRESYNC"
Result<Resync> parse_resync(Scanner& scanner) {
    Resync resync;
    TRY_VOID(scanner.sp());
    TRY_VOID(scanner.expect('('));
    TRY(resync.uid_validity, scanner.nz_number());
    TRY_VOID(scanner.sp());
    TRY(resync.modseq, scanner.modseq());
    if (resync.modseq == 0) return permanent("Invalid modseq", "5.5.2");
    if (scanner.take(')')) return resync;
    TRY_VOID(scanner.sp());
    if (!scanner.next_is('(')) {
        TRY(resync.known_uids, scanner.sequence_set());
        if (scanner.take(')')) return resync;
        TRY_VOID(scanner.sp());
    }
    TRY_VOID(scanner.expect('('));
    TRY(resync.match_sequences, scanner.sequence_set());
    TRY_VOID(scanner.sp());
    TRY(resync.match_uids, scanner.sequence_set());
    TRY_VOID(scanner.expect(')'));
    TRY_VOID(scanner.expect(')'));
    return resync;
}

bool has_star(const std::optional<SequenceSet>& set) {
    if (!set) return false;
    if (set->is_saved_result()) return true;
    for (const Range& range : set->written()) {
        if (range.first == SequenceSet::kStar || range.last == SequenceSet::kStar) return true;
    }
    return false;
}

}  // namespace

Result<SelectParameters> parse_select_parameters(Scanner& scanner) {
    SelectParameters parameters;
    if (scanner.at_end()) return parameters;
    TRY_VOID(scanner.sp());
    TRY_VOID(scanner.expect('('));
    for (;;) {
        std::string name = scanner.keyword();
        if (name == "CONDSTORE") {
            parameters.condstore = true;
        } else if (name == "QRESYNC" && !parameters.resync) {
            TRY(parameters.resync, parse_resync(scanner));
        } else {
            return permanent("Unknown SELECT parameter " + printable(name, 40), "5.5.2");
        }
        if (scanner.take(')')) break;
        TRY_VOID(scanner.sp());
    }
    // RFC 7162 section 7: sets of what was known name numbers, not "*".
    if (parameters.resync &&
        (has_star(parameters.resync->known_uids) || has_star(parameters.resync->match_sequences) ||
         has_star(parameters.resync->match_uids))) {
        return permanent("Invalid set in QRESYNC", "5.5.2");
    }
    TRY_VOID(scanner.end());
    return parameters;
}

// RFC 4466 section 2.2: create-params
Result<std::vector<std::string>> parse_create_use(Scanner& scanner) {
    std::vector<std::string> uses;
    if (scanner.at_end()) return uses;
    TRY_VOID(scanner.sp());
    TRY_VOID(scanner.expect('('));
    if (scanner.keyword() != "USE") return permanent("Unknown CREATE parameter", "5.5.2");
    TRY_VOID(scanner.sp());
    TRY_VOID(scanner.expect('('));
    while (!scanner.take(')')) {
        TRY_VOID(scanner.expect('\\'));
        TRY(std::string use, scanner.atom());
        uses.push_back("\\" + use);
        if (uses.size() > 10) return permanent("Too many special uses", "5.5.2");
        if (!scanner.next_is(')')) {
            TRY_VOID(scanner.sp());
        }
    }
    TRY_VOID(scanner.expect(')'));
    TRY_VOID(scanner.end());
    return uses;
}

Result<std::vector<std::string>> parse_enable(Scanner& scanner) {
    constexpr std::size_t kMaxNames = 30;
    std::vector<std::string> names;
    while (!scanner.at_end()) {
        TRY_VOID(scanner.sp());
        TRY(std::string name, scanner.atom());
        if (names.size() == kMaxNames) return permanent("Too many capabilities", "5.5.2");
        names.push_back(to_upper(name));
    }
    if (names.empty()) return permanent("Capability expected", "5.5.2");
    return names;
}

Result<StoreArguments> parse_store(Scanner& scanner) {
    StoreArguments arguments;
    TRY_VOID(store_modifiers(scanner, arguments));
    if (scanner.take('+')) {
        arguments.mode = StoreArguments::Mode::add;
    } else if (scanner.take('-')) {
        arguments.mode = StoreArguments::Mode::remove;
    }
    std::string item = scanner.keyword();
    arguments.silent = item == "FLAGS.SILENT";
    if (item != "FLAGS" && !arguments.silent) return permanent("Unknown STORE item", "5.5.2");
    TRY_VOID(scanner.sp());
    TRY(arguments.flags, scanner.flags_to_end());
    TRY_VOID(scanner.end());
    return arguments;
}

Result<unsigned> parse_status_items(Scanner& scanner) {
    static constexpr std::string_view kItems[] = {
        "MESSAGES", "RECENT",  "UIDNEXT",     "UIDVALIDITY", "UNSEEN",         "HIGHESTMODSEQ",
        "SIZE",     "DELETED", "APPENDLIMIT", "MAILBOXID",   "DELETED-STORAGE"};
    unsigned wanted = 0;
    TRY_VOID(scanner.expect('('));
    for (;;) {
        std::string name = scanner.keyword();
        unsigned bit = 0;
        for (unsigned i = 0; i < std::size(kItems); ++i) {
            if (kItems[i] == name) bit = 1u << i;
        }
        if (bit == 0) return permanent("Unknown STATUS item " + printable(name, 40), "5.5.2");
        wanted |= bit;
        if (scanner.take(')')) return wanted;
        TRY_VOID(scanner.sp());
    }
}

Result<std::vector<std::pair<std::string, std::string>>> parse_id(Scanner& scanner) {
    constexpr std::size_t kMaxFields = 30;
    std::vector<std::pair<std::string, std::string>> fields;
    if (scanner.take("NIL")) return fields;
    TRY_VOID(scanner.expect('('));
    if (scanner.take(')')) return fields;
    for (;;) {
        TRY(std::string name, scanner.string());
        TRY_VOID(scanner.sp());
        TRY(auto value, scanner.nstring());
        if (fields.size() == kMaxFields) return permanent("Too many ID fields", "5.5.2");
        fields.emplace_back(std::move(name), std::move(value).value_or(""));
        if (scanner.take(')')) return fields;
        TRY_VOID(scanner.sp());
    }
}

}  // namespace facteur::imap
