#include "lib/imap/flags.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

struct FlagName {
    std::uint8_t bit;
    std::string_view name;
};
constexpr FlagName kFlagNames[] = {
    {answered, "\\Answered"}, {flagged, "\\Flagged"}, {deleted, "\\Deleted"},
    {seen, "\\Seen"},         {draft, "\\Draft"},     {recent, "\\Recent"},
};

}  // namespace

std::uint8_t system_flag(std::string_view name) {
    for (const FlagName& known : kFlagNames) {
        if (iequals(known.name, name)) return known.bit;
    }
    return 0;
}

void append_flags(std::string& out, std::uint8_t system, const std::vector<std::string>& keywords) {
    out += '(';
    bool first = true;
    auto add = [&](std::string_view name) {
        if (!first) out += ' ';
        first = false;
        out += name;
    };
    for (const FlagName& known : kFlagNames) {
        if (system & known.bit) add(known.name);
    }
    for (const std::string& keyword : keywords)
        add(keyword);
    out += ')';
}

}  // namespace facteur::imap
