#include "lib/imap/search.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

using Kind = SearchKey::Kind;

enum class Argument { none, astring, date, number };

struct Name {
    std::string_view name;
    Kind kind;
    Argument argument = Argument::none;
    std::uint8_t flag = 0;
    bool negated = false;
    std::string_view field = {};
};

constexpr Name kNames[] = {
    {"ALL", Kind::all},
    {"ANSWERED", Kind::flag, Argument::none, answered},
    {"DELETED", Kind::flag, Argument::none, deleted},
    {"DRAFT", Kind::flag, Argument::none, draft},
    {"FLAGGED", Kind::flag, Argument::none, flagged},
    {"RECENT", Kind::flag, Argument::none, recent},
    {"SEEN", Kind::flag, Argument::none, seen},
    {"OLD", Kind::flag, Argument::none, recent, true},
    {"UNANSWERED", Kind::flag, Argument::none, answered, true},
    {"UNDELETED", Kind::flag, Argument::none, deleted, true},
    {"UNDRAFT", Kind::flag, Argument::none, draft, true},
    {"UNFLAGGED", Kind::flag, Argument::none, flagged, true},
    {"UNSEEN", Kind::flag, Argument::none, seen, true},
    {"KEYWORD", Kind::keyword, Argument::astring},
    {"UNKEYWORD", Kind::keyword, Argument::astring, 0, true},
    {"BEFORE", Kind::before, Argument::date},
    {"ON", Kind::on, Argument::date},
    {"SINCE", Kind::since, Argument::date},
    {"SENTBEFORE", Kind::sent_before, Argument::date},
    {"SENTON", Kind::sent_on, Argument::date},
    {"SENTSINCE", Kind::sent_since, Argument::date},
    {"LARGER", Kind::larger, Argument::number},
    {"SMALLER", Kind::smaller, Argument::number},
    {"BCC", Kind::header, Argument::astring, 0, false, "Bcc"},
    {"CC", Kind::header, Argument::astring, 0, false, "Cc"},
    {"FROM", Kind::header, Argument::astring, 0, false, "From"},
    {"SUBJECT", Kind::header, Argument::astring, 0, false, "Subject"},
    {"TO", Kind::header, Argument::astring, 0, false, "To"},
    {"BODY", Kind::body, Argument::astring},
    {"TEXT", Kind::text, Argument::astring},
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
    Result<void> argument(const Name& known, SearchKey& key);

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
        found.kind = Kind::all_of;
        TRY(found.children, keys(depth + 1, ')'));
        return found;
    }
    if (!scanner_.at_end() && (is_digit(scanner_.rest().front()) || scanner_.next_is('*'))) {
        found.kind = Kind::sequence;
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
        found.kind = Kind::any_of;
        for (int i = 0; i < 2; ++i) {
            TRY_VOID(scanner_.sp());
            TRY(SearchKey child, key(depth + 1));
            found.children.push_back(std::move(child));
        }
    } else if (name == "NEW") {  // RFC 3501 section 6.4.4: (RECENT UNSEEN)
        found.kind = Kind::all_of;
        TRY(SearchKey is_recent, named("RECENT", depth));
        TRY(SearchKey is_unseen, named("UNSEEN", depth));
        found.children.push_back(std::move(is_recent));
        found.children.push_back(std::move(is_unseen));
    } else if (name == "UID") {
        found.kind = Kind::uid;
        TRY_VOID(scanner_.sp());
        TRY(found.set, scanner_.sequence_set());
    } else if (name == "HEADER") {
        found.kind = Kind::header;
        TRY_VOID(scanner_.sp());
        TRY(found.field, scanner_.astring());
        TRY_VOID(scanner_.sp());
        TRY(found.text, scanner_.astring());
    } else {
        for (const Name& known : kNames) {
            if (known.name != name) continue;
            TRY_VOID(argument(known, found));
            return found;
        }
        return permanent("Unknown search key " + printable(name, 40), "5.5.2");
    }
    return found;
}

Result<void> Parser::argument(const Name& known, SearchKey& key) {
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
    }
    return {};
}

}  // namespace

Result<SearchProgram> parse_search(Scanner& scanner, const SearchLimits& limits) {
    SearchProgram program;
    if (scanner.take("CHARSET ")) {
        TRY(std::string charset, scanner.astring());
        program.charset = to_upper(charset);
        TRY_VOID(scanner.sp());
    }
    Parser parser(scanner, limits);
    program.root.kind = Kind::all_of;
    TRY(program.root.children, parser.keys(0, '\0'));
    return program;
}

}  // namespace facteur::imap
