#include "lib/imap/metadata.h"

#include <algorithm>

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

// RFC 5464 section 5: getmetadata-options, behind their "("
Result<void> metadata_options(Scanner& scanner, MetadataQuery& query) {
    for (;;) {
        std::string name = scanner.keyword();
        TRY_VOID(scanner.sp());
        if (name == "MAXSIZE") {
            TRY(query.max_size, scanner.number());
        } else if (name == "DEPTH") {
            std::string depth = scanner.keyword();
            if (depth == "0") {
                query.depth = MetadataQuery::Depth::zero;
            } else if (depth == "1") {
                query.depth = MetadataQuery::Depth::one;
            } else if (depth == "INFINITY") {
                query.depth = MetadataQuery::Depth::infinity;
            } else {
                return permanent("Invalid DEPTH", "5.5.2");
            }
        } else {
            return permanent("Unknown GETMETADATA option " + printable(name, 40), "5.5.2");
        }
        if (scanner.take(')')) return scanner.sp();
        TRY_VOID(scanner.sp());
    }
}

bool starts_options(const Scanner& scanner) {
    std::string_view rest = scanner.rest();
    return istarts_with(rest, "(MAXSIZE ") || istarts_with(rest, "(DEPTH ");
}

}  // namespace

bool asks_for(const MetadataQuery& query, std::string_view entry) {
    using Depth = MetadataQuery::Depth;
    return std::any_of(query.entries.begin(), query.entries.end(), [&](const std::string& asked) {
        if (!entry.starts_with(asked)) return false;
        std::string_view below = entry.substr(asked.size());
        if (below.empty()) return true;
        if (query.depth == Depth::zero || below.front() != '/') return false;
        return query.depth == Depth::infinity || below.find('/', 1) == std::string_view::npos;
    });
}

Result<std::string> metadata_entry(std::string_view name) {
    std::string entry = to_lower(name);
    bool is_ours = entry.starts_with("/private") || entry.starts_with("/shared");
    std::size_t slash = entry.find('/', 1);
    bool has_root = entry == "/private" || entry == "/shared" ||
                    (slash != std::string::npos &&
                     (entry.substr(0, slash) == "/private" || entry.substr(0, slash) == "/shared"));
    bool is_plain = std::all_of(entry.begin(), entry.end(), [](char c) {
        return c >= 0x20 && c < 0x7f && c != '*' && c != '%';
    });
    if (!is_ours || !has_root || !is_plain || entry.ends_with('/') || entry.size() > 1000 ||
        entry.find("//") != std::string::npos) {
        return permanent("Invalid metadata entry name", "5.5.2");
    }
    return entry;
}

Result<std::vector<std::string>> parse_metadata_entries(Scanner& scanner, std::size_t limit) {
    std::vector<std::string> entries;
    bool is_list = scanner.take('(');
    for (;;) {
        TRY(std::string name, scanner.astring());
        TRY(std::string entry, metadata_entry(name));
        if (entries.size() == limit) return permanent("Too many metadata entries", "5.5.2");
        entries.push_back(std::move(entry));
        if (!is_list || scanner.take(')')) return entries;
        TRY_VOID(scanner.sp());
    }
}

// RFC 5464 section 5 puts the options before the mailbox, its examples behind it: both are heard.
Result<GetMetadata> parse_get_metadata(Scanner& scanner, std::size_t limit) {
    GetMetadata arguments;
    TRY_VOID(scanner.sp());
    if (scanner.take('(')) {
        TRY_VOID(metadata_options(scanner, arguments.query));
    }
    TRY(arguments.mailbox, scanner.astring());
    TRY_VOID(scanner.sp());
    if (starts_options(scanner)) {
        (void)scanner.take('(');
        TRY_VOID(metadata_options(scanner, arguments.query));
    }
    TRY(arguments.query.entries, parse_metadata_entries(scanner, limit));
    TRY_VOID(scanner.end());
    return arguments;
}

Result<SetMetadata> parse_set_metadata(Scanner& scanner, std::size_t limit) {
    SetMetadata arguments;
    TRY_VOID(scanner.sp());
    TRY(arguments.mailbox, scanner.astring());
    TRY_VOID(scanner.sp());
    TRY_VOID(scanner.expect('('));
    for (;;) {
        TRY(std::string name, scanner.astring());
        TRY(std::string entry, metadata_entry(name));
        TRY_VOID(scanner.sp());
        TRY(auto value, scanner.nstring8());
        // Only what is below the two roots has values (RFC 5464 section 3.2).
        if (entry.find('/', 1) == std::string::npos) {
            return permanent("Invalid metadata entry name", "5.5.2");
        }
        if (arguments.values.size() == limit) return permanent("Too many entries", "5.5.2");
        arguments.values.emplace_back(std::move(entry), std::move(value));
        if (scanner.take(')')) break;
        TRY_VOID(scanner.sp());
    }
    TRY_VOID(scanner.end());
    return arguments;
}

}  // namespace facteur::imap
