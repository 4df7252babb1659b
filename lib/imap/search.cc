#include "lib/imap/search.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

using SearchKind = SearchKey::Kind;

enum class Argument { none, astring, date, number, interval };

struct SearchName {
    std::string_view name;
    SearchKind kind;
    Argument argument = Argument::none;
    std::uint8_t flag = 0;
    bool negated = false;
    std::string_view field = {};
};

constexpr SearchName kSearchNames[] = {
    {"ALL", SearchKind::all},
    {"ANSWERED", SearchKind::flag, Argument::none, answered},
    {"DELETED", SearchKind::flag, Argument::none, deleted},
    {"DRAFT", SearchKind::flag, Argument::none, draft},
    {"FLAGGED", SearchKind::flag, Argument::none, flagged},
    {"RECENT", SearchKind::flag, Argument::none, recent},
    {"SEEN", SearchKind::flag, Argument::none, seen},
    {"OLD", SearchKind::flag, Argument::none, recent, true},
    {"UNANSWERED", SearchKind::flag, Argument::none, answered, true},
    {"UNDELETED", SearchKind::flag, Argument::none, deleted, true},
    {"UNDRAFT", SearchKind::flag, Argument::none, draft, true},
    {"UNFLAGGED", SearchKind::flag, Argument::none, flagged, true},
    {"UNSEEN", SearchKind::flag, Argument::none, seen, true},
    {"KEYWORD", SearchKind::keyword, Argument::astring},
    {"UNKEYWORD", SearchKind::keyword, Argument::astring, 0, true},
    {"BEFORE", SearchKind::before, Argument::date},
    {"ON", SearchKind::on, Argument::date},
    {"SINCE", SearchKind::since, Argument::date},
    {"SENTBEFORE", SearchKind::sent_before, Argument::date},
    {"SENTON", SearchKind::sent_on, Argument::date},
    {"SENTSINCE", SearchKind::sent_since, Argument::date},
    {"LARGER", SearchKind::larger, Argument::number},
    {"SMALLER", SearchKind::smaller, Argument::number},
    {"BCC", SearchKind::header, Argument::astring, 0, false, "Bcc"},
    {"CC", SearchKind::header, Argument::astring, 0, false, "Cc"},
    {"FROM", SearchKind::header, Argument::astring, 0, false, "From"},
    {"SUBJECT", SearchKind::header, Argument::astring, 0, false, "Subject"},
    {"TO", SearchKind::header, Argument::astring, 0, false, "To"},
    {"BODY", SearchKind::body, Argument::astring},
    {"TEXT", SearchKind::text, Argument::astring},
    {"SAVEDATESUPPORTED", SearchKind::all},
    {"SAVEDBEFORE", SearchKind::saved_before, Argument::date},
    {"SAVEDON", SearchKind::saved_on, Argument::date},
    {"SAVEDSINCE", SearchKind::saved_since, Argument::date},
    {"OLDER", SearchKind::older, Argument::interval},
    {"YOUNGER", SearchKind::younger, Argument::interval},
    {"EMAILID", SearchKind::email_id, Argument::astring},
    {"THREADID", SearchKind::thread_id, Argument::astring},
    {"FILTER", SearchKind::filter, Argument::astring},
};

/// Counts the keys and their depth while the tree grows.
class Parser {
public:
    Parser(Scanner& scanner, const SearchLimits& limits) : scanner_(scanner), limits_(limits) {}

    Result<std::vector<SearchKey>> keys(std::size_t depth, char closing) {
        std::vector<SearchKey> all;
        for (;;) {
            TRY(SearchKey next, key(depth));
            all.push_back(std::move(next));
            if (closing != '\0' ? scanner_.take(closing) : scanner_.at_end()) return all;
            TRY_VOID(scanner_.sp());
        }
    }

private:
    Result<SearchKey> key(std::size_t depth);
    Result<SearchKey> named(const std::string& name, std::size_t depth);
    Result<void> argument(const SearchName& known, SearchKey& key);
    Result<void> modseq_entry();

    Scanner& scanner_;
    const SearchLimits& limits_;
    std::size_t count_ = 0;
};

Result<SearchKey> Parser::key(std::size_t depth) {
    if (depth > limits_.depth || ++count_ > limits_.keys) {
        return permanent("Search is too complex", "5.5.2");
    }
    SearchKey found;
    if (scanner_.take('(')) {
        found.kind = SearchKind::all_of;
        TRY(found.children, keys(depth + 1, ')'));
        return found;
    }
    if (!scanner_.at_end() &&
        (is_digit(scanner_.rest().front()) || scanner_.next_is('*') || scanner_.next_is('$'))) {
        found.kind = SearchKind::sequence;
        TRY(found.set, scanner_.sequence_set());
        return found;
    }
    return named(scanner_.keyword(), depth);
}

Result<SearchKey> Parser::named(const std::string& name, std::size_t depth) {
    SearchKey found;
    if (name == "NOT") {
        TRY_VOID(scanner_.sp());
        TRY(found, key(depth + 1));
        found.negated = !found.negated;
    } else if (name == "OR") {
        found.kind = SearchKind::any_of;
        for (int i = 0; i < 2; ++i) {
            TRY_VOID(scanner_.sp());
            TRY(SearchKey child, key(depth + 1));
            found.children.push_back(std::move(child));
        }
    } else if (name == "NEW") {  // RFC 3501 section 6.4.4: (RECENT UNSEEN)
        found.kind = SearchKind::all_of;
        TRY(SearchKey is_recent, named("RECENT", depth));
        TRY(SearchKey is_unseen, named("UNSEEN", depth));
        found.children.push_back(std::move(is_recent));
        found.children.push_back(std::move(is_unseen));
    } else if (name == "UID") {
        found.kind = SearchKind::uid;
        TRY_VOID(scanner_.sp());
        TRY(found.set, scanner_.sequence_set());
    } else if (name == "MODSEQ") {
        found.kind = SearchKind::modseq;
        TRY_VOID(scanner_.sp());
        TRY_VOID(modseq_entry());
        TRY(found.number, scanner_.modseq());
    } else if (name == "HEADER") {
        found.kind = SearchKind::header;
        TRY_VOID(scanner_.sp());
        TRY(found.field, scanner_.astring());
        TRY_VOID(scanner_.sp());
        TRY(found.text, scanner_.astring());
    } else {
        for (const SearchName& known : kSearchNames) {
            if (known.name != name) continue;
            TRY_VOID(argument(known, found));
            return found;
        }
        return permanent("Unknown search key " + printable(name, 40), "5.5.2");
    }
    return found;
}

Result<void> Parser::argument(const SearchName& known, SearchKey& key) {
    key.kind = known.kind;
    key.flag = known.flag;
    key.negated = known.negated;
    key.field = known.field;
    if (known.argument == Argument::none) return {};
    TRY_VOID(scanner_.sp());
    if (known.argument == Argument::astring) {
        TRY(key.text, scanner_.astring());
    } else if (known.argument == Argument::date) {
        TRY(key.day, scanner_.date());
    } else if (known.argument == Argument::number) {
        TRY(key.number, scanner_.number64());
    } else if (known.argument == Argument::interval) {
        TRY(key.number, scanner_.nz_number());
    }
    return {};
}

// RFC 7162 section 3.1.5: the name of a flag and whose it is.  All flags share one mod-sequence
// here, which is what that section allows when they are not told apart.
Result<void> Parser::modseq_entry() {
    if (!scanner_.next_is('"')) return {};
    TRY(std::string entry, scanner_.string());
    TRY_VOID(scanner_.sp());
    std::string whose = scanner_.keyword();
    if (!istarts_with(entry, "/flags/") ||
        (whose != "ALL" && whose != "PRIV" && whose != "SHARED")) {
        return permanent("Invalid MODSEQ entry", "5.5.2");
    }
    return scanner_.sp();
}

Result<SearchKey> parse_keys(Scanner& scanner, const SearchLimits& limits) {
    Parser parser(scanner, limits);
    SearchKey root;
    root.kind = SearchKind::all_of;
    TRY(root.children, parser.keys(0, '\0'));
    return root;
}

}  // namespace

Result<SearchProgram> parse_search(Scanner& scanner, const SearchLimits& limits) {
    SearchProgram program;
    if (scanner.take("CHARSET ")) {
        TRY(std::string charset, scanner.astring());
        program.charset = to_upper(charset);
        TRY_VOID(scanner.sp());
    }
    TRY(program.root, parse_keys(scanner, limits));
    return program;
}

Result<SearchProgram> parse_charset_and_search(Scanner& scanner, const SearchLimits& limits) {
    SearchProgram program;
    TRY(std::string charset, scanner.astring());
    program.charset = to_upper(charset);
    TRY_VOID(scanner.sp());
    TRY(program.root, parse_keys(scanner, limits));
    return program;
}

bool has_key(const SearchKey& key, SearchKey::Kind kind) {
    if (key.kind == kind) return true;
    for (const SearchKey& child : key.children) {
        if (has_key(child, kind)) return true;
    }
    return false;
}

bool names_sequences(const SearchKey& key) {
    if (key.kind == SearchKey::Kind::sequence && !key.set.is_saved_result()) return true;
    for (const SearchKey& child : key.children) {
        if (names_sequences(child)) return true;
    }
    return false;
}

}  // namespace facteur::imap
