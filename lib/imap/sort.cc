#include "lib/imap/sort.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

using SortKind = SortKey::Kind;

struct SortName {
    std::string_view name;
    SortKind kind;
};
constexpr SortName kSortNames[] = {
    {"ARRIVAL", SortKind::arrival},
    {"CC", SortKind::cc},
    {"DATE", SortKind::date},
    {"FROM", SortKind::from},
    {"SIZE", SortKind::size},
    {"SUBJECT", SortKind::subject},
    {"TO", SortKind::to},
    {"DISPLAYFROM", SortKind::display_from},
    {"DISPLAYTO", SortKind::display_to},
};
constexpr std::size_t kMaxKeys = 20;

Result<SortKey> sort_key(Scanner& scanner) {
    SortKey key;
    std::string name = scanner.keyword();
    if (name == "REVERSE") {
        key.reverse = true;
        TRY_VOID(scanner.sp());
        name = scanner.keyword();
    }
    for (const SortName& known : kSortNames) {
        if (known.name != name) continue;
        key.kind = known.kind;
        return key;
    }
    return permanent("Unknown sort key " + printable(name, 40), "5.5.2");
}

}  // namespace

Result<SortArguments> parse_sort(Scanner& scanner, const SearchLimits& limits) {
    SortArguments arguments;
    TRY_VOID(scanner.expect('('));
    for (;;) {
        if (arguments.keys.size() == kMaxKeys) return permanent("Too many sort keys", "5.5.2");
        TRY(SortKey key, sort_key(scanner));
        arguments.keys.push_back(key);
        if (scanner.take(')')) break;
        TRY_VOID(scanner.sp());
    }
    TRY_VOID(scanner.sp());
    TRY(arguments.program, parse_charset_and_search(scanner, limits));
    return arguments;
}

Result<ThreadArguments> parse_thread(Scanner& scanner, const SearchLimits& limits) {
    ThreadArguments arguments;
    std::string name = scanner.keyword();
    if (name == "ORDEREDSUBJECT") {
        arguments.algorithm = ThreadAlgorithm::ordered_subject;
    } else if (name == "REFS") {
        arguments.algorithm = ThreadAlgorithm::refs;
    } else if (name != "REFERENCES") {
        return permanent("Unknown thread algorithm " + printable(name, 40), "5.5.2");
    }
    TRY_VOID(scanner.sp());
    TRY(arguments.program, parse_charset_and_search(scanner, limits));
    return arguments;
}

}  // namespace facteur::imap
