#include "lib/imap/fetch.h"

#include "lib/base/text.h"
#include "lib/imap/response.h"

namespace facteur::imap {

namespace {

using FetchKind = FetchItem::Kind;

struct FetchName {
    std::string_view name;
    FetchKind kind;
};
constexpr FetchName kFetchNames[] = {
    {"FLAGS", FetchKind::flags},
    {"UID", FetchKind::uid},
    {"INTERNALDATE", FetchKind::internal_date},
    {"RFC822.SIZE", FetchKind::size},
    {"ENVELOPE", FetchKind::envelope},
    {"BODY", FetchKind::body},
    {"BODYSTRUCTURE", FetchKind::body_structure},
    {"RFC822", FetchKind::rfc822},
    {"RFC822.HEADER", FetchKind::rfc822_header},
    {"RFC822.TEXT", FetchKind::rfc822_text},
    {"MODSEQ", FetchKind::modseq},
    {"PREVIEW", FetchKind::preview},
    {"SAVEDATE", FetchKind::save_date},
    {"EMAILID", FetchKind::email_id},
    {"THREADID", FetchKind::thread_id},
};

FetchItem item_of(FetchKind kind) {
    FetchItem item;
    item.kind = kind;
    return item;
}

// RFC 3501 section 6.4.5: the macros stand alone.
std::vector<FetchItem> macro(std::string_view name) {
    std::vector<FetchItem> items;
    if (name != "FAST" && name != "ALL" && name != "FULL") return items;
    for (FetchKind kind : {FetchKind::flags, FetchKind::internal_date, FetchKind::size})
        items.push_back(item_of(kind));
    if (name != "FAST") items.push_back(item_of(FetchKind::envelope));
    if (name == "FULL") items.push_back(item_of(FetchKind::body));
    return items;
}

Result<std::vector<std::string>> header_list(Scanner& scanner) {
    std::vector<std::string> fields;
    TRY_VOID(scanner.sp());
    TRY_VOID(scanner.expect('('));
    for (;;) {
        TRY(std::string field, scanner.astring());
        fields.push_back(std::move(field));
        if (scanner.take(')')) return fields;
        TRY_VOID(scanner.sp());
    }
}

// RFC 3501 section 9 section-text
Result<void> section_text(Scanner& scanner, Section& section) {
    std::string word = scanner.keyword();
    if (word == "HEADER") {
        section.text = Section::Text::header;
    } else if (word == "TEXT") {
        section.text = Section::Text::text;
    } else if (word == "MIME" && !section.part.empty()) {
        section.text = Section::Text::mime;
    } else if (word == "HEADER.FIELDS" || word == "HEADER.FIELDS.NOT") {
        section.text = word == "HEADER.FIELDS" ? Section::Text::header_fields
                                               : Section::Text::header_fields_not;
        TRY(section.fields, header_list(scanner));
    } else {
        return permanent("Invalid BODY[..] parameter: " + word, "5.5.2");
    }
    return {};
}

constexpr std::size_t kMaxPartDepth = 100;

// RFC 3501 section 9 section, after its "["
Result<Section> parse_section(Scanner& scanner) {
    Section section;
    if (scanner.take(']')) return section;
    while (!scanner.at_end() && is_digit(scanner.rest().front())) {
        TRY(std::uint32_t number, scanner.nz_number());
        if (section.part.size() == kMaxPartDepth) return permanent("Too many parts", "5.5.2");
        section.part.push_back(number);
        if (scanner.take(']')) return section;
        TRY_VOID(scanner.expect('.'));
    }
    TRY_VOID(section_text(scanner, section));
    TRY_VOID(scanner.expect(']'));
    return section;
}

Result<std::optional<Partial>> parse_partial(Scanner& scanner) {
    if (!scanner.take('<')) return std::nullopt;
    Partial partial;
    // RFC 9051 section 9: 63 bits, as a mod-sequence.
    TRY(partial.offset, scanner.modseq());
    TRY_VOID(scanner.expect('.'));
    TRY(partial.length, scanner.modseq());
    if (partial.length == 0) return permanent("Number must not be zero", "5.5.2");
    TRY_VOID(scanner.expect('>'));
    return std::optional<Partial>(partial);
}

// RFC 3516 section 7: section-binary has part numbers alone.
Result<FetchItem> binary_att(Scanner& scanner, const std::string& name) {
    bool is_size = name == "BINARY.SIZE";
    FetchItem item = item_of(is_size ? FetchKind::binary_size : FetchKind::binary);
    item.peek = name == "BINARY.PEEK";
    TRY_VOID(scanner.expect('['));
    TRY(item.section, parse_section(scanner));
    if (item.section.text != Section::Text::all) {
        return permanent("Invalid BINARY[..] parameter", "5.5.2");
    }
    if (!is_size) {
        TRY(item.partial, parse_partial(scanner));
    }
    return item;
}

Result<FetchItem> fetch_att(Scanner& scanner, const std::string& name) {
    bool peek = name == "BODY.PEEK";
    if ((peek || name == "BODY") && scanner.take('[')) {
        FetchItem item = item_of(FetchKind::section);
        item.peek = peek;
        TRY(item.section, parse_section(scanner));
        TRY(item.partial, parse_partial(scanner));
        return item;
    }
    if (name == "BINARY" || name == "BINARY.PEEK" || name == "BINARY.SIZE") {
        return binary_att(scanner, name);
    }
    // RFC 8970 section 3.1: what is here at once is here lazily too.
    if (name == "PREVIEW") (void)scanner.take(" (LAZY)");
    for (const FetchName& known : kFetchNames) {
        if (known.name == name) return item_of(known.kind);
    }
    return permanent("Unknown parameter: " + printable(name, 40), "5.5.2");
}

std::string section_name(const Section& section) {
    std::string out;
    for (std::uint32_t number : section.part) {
        if (!out.empty()) out += '.';
        out += std::to_string(number);
    }
    if (section.text == Section::Text::all) return out;
    if (!out.empty()) out += '.';
    switch (section.text) {
        case Section::Text::all:
            break;
        case Section::Text::header:
            return out + "HEADER";
        case Section::Text::text:
            return out + "TEXT";
        case Section::Text::mime:
            return out + "MIME";
        case Section::Text::header_fields:
            out += "HEADER.FIELDS (";
            break;
        case Section::Text::header_fields_not:
            out += "HEADER.FIELDS.NOT (";
            break;
    }
    for (std::size_t i = 0; i < section.fields.size(); ++i) {
        if (i > 0) out += ' ';
        append_astring(out, to_upper(section.fields[i]));
    }
    return out + ')';
}

}  // namespace

bool FetchItem::sets_seen() const {
    bool is_read = kind == FetchKind::section || kind == FetchKind::binary;
    return kind == FetchKind::rfc822 || kind == FetchKind::rfc822_text || (is_read && !peek);
}

Result<std::vector<FetchItem>> parse_fetch_items(Scanner& scanner, std::size_t limit) {
    std::vector<FetchItem> items;
    if (!scanner.take('(')) {
        std::string name = scanner.keyword();
        items = macro(name);
        if (!items.empty()) return items;
        TRY(FetchItem item, fetch_att(scanner, name));
        items.push_back(std::move(item));
        return items;
    }
    for (;;) {
        if (items.size() >= limit) return permanent("Too many FETCH items", "5.5.2");
        TRY(FetchItem item, fetch_att(scanner, scanner.keyword()));
        items.push_back(std::move(item));
        if (scanner.take(')')) return items;
        TRY_VOID(scanner.sp());
    }
}

Result<FetchModifiers> parse_fetch_modifiers(Scanner& scanner) {
    FetchModifiers modifiers;
    if (scanner.at_end()) return modifiers;
    TRY_VOID(scanner.sp());
    TRY_VOID(scanner.expect('('));
    for (;;) {
        std::string name = scanner.keyword();
        if (name == "CHANGEDSINCE" && !modifiers.changed_since) {
            TRY_VOID(scanner.sp());
            TRY(modifiers.changed_since, scanner.modseq());
        } else if (name == "VANISHED") {
            modifiers.vanished = true;
        } else if (name == "PARTIAL" && !modifiers.partial) {
            TRY_VOID(scanner.sp());
            TRY(modifiers.partial, parse_partial_range(scanner));
        } else {
            return permanent("Unknown FETCH modifier " + printable(name, 40), "5.5.2");
        }
        if (scanner.take(')')) break;
        TRY_VOID(scanner.sp());
    }
    // RFC 7162 section 3.2.6
    if (modifiers.vanished && !modifiers.changed_since) {
        return permanent("VANISHED needs CHANGEDSINCE", "5.5.2");
    }
    TRY_VOID(scanner.end());
    return modifiers;
}

std::string response_name(const FetchItem& item) {
    if (item.kind != FetchKind::section && item.kind != FetchKind::binary) {
        for (const FetchName& known : kFetchNames) {
            if (known.kind == item.kind) return std::string(known.name);
        }
    }
    const char* what = "BODY[";
    if (item.kind == FetchKind::binary) what = "BINARY[";
    if (item.kind == FetchKind::binary_size) what = "BINARY.SIZE[";
    std::string name = what + section_name(item.section) + "]";
    if (item.partial) name += "<" + std::to_string(item.partial->offset) + ">";
    return name;
}

}  // namespace facteur::imap
