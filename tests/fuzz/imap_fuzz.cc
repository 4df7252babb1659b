// Every rule of the IMAP grammar over arbitrary bytes.

#include <cstddef>
#include <cstdint>
#include <string>

#include "lib/imap/arguments.h"
#include "lib/imap/fetch.h"
#include "lib/imap/mailbox_name.h"
#include "lib/imap/response.h"
#include "lib/imap/search.h"
#include "lib/mime/utf7.h"

using namespace facteur::imap;

namespace {

template <class Parse>
void over(std::string_view text, Parse parse) {
    Scanner scanner(text);
    (void)parse(scanner);
}

void names(std::string_view text) {
    if (auto utf8 = facteur::mime::utf7_to_utf8(text)) {
        if (facteur::mime::utf8_to_utf7(*utf8) != text) __builtin_trap();
    }
    std::string_view pattern = text.substr(0, text.size() / 2);
    std::string_view name = text.substr(text.size() / 2);
    if (text.size() < 200) (void)could_match_below(pattern, name, '/');
    (void)matches(pattern, name, '.');
    std::string out;
    append_astring(out, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 8) {
        case 0:
            over(text, [](Scanner& s) { return parse_fetch_items(s, 100); });
            break;
        case 1:
            over(text, [](Scanner& s) { return parse_search(s, SearchLimits()); });
            break;
        case 2:
            over(text, [](Scanner& s) { return parse_append(s); });
            break;
        case 3:
            over(text, [](Scanner& s) { return parse_store(s); });
            break;
        case 4:
            over(text, [](Scanner& s) { return parse_id(s); });
            break;
        case 5:
            over(text, [](Scanner& s) { return s.date_time(); });
            break;
        case 6:
            names(text);
            break;
        default:
            over(text, [](Scanner& s) { return s.sequence_set(); });
            break;
    }
    return 0;
}
