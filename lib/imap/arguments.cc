#include "lib/imap/arguments.h"

#include "lib/base/text.h"

namespace facteur::imap {

Result<AppendArguments> parse_append(Scanner& scanner) {
    AppendArguments arguments;
    TRY_VOID(scanner.sp());
    TRY(arguments.mailbox, scanner.astring());
    TRY_VOID(scanner.sp());
    if (scanner.next_is('(')) {
        TRY(arguments.flags, scanner.flag_list());
        TRY_VOID(scanner.sp());
    }
    if (scanner.next_is('"')) {
        TRY(arguments.date, scanner.date_time());
        TRY_VOID(scanner.sp());
    }
    auto mark = trailing_literal(scanner.rest());
    if (!mark || mark->at != 0) return permanent("Message literal expected", "5.5.2");
    arguments.message = *mark;
    return arguments;
}

Result<StoreArguments> parse_store(Scanner& scanner) {
    StoreArguments arguments;
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
    static constexpr std::string_view kItems[] = {"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY",
                                                  "UNSEEN"};
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
