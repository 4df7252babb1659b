// Every rule of the IMAP grammar over arbitrary bytes.

#include <cstddef>
#include <cstdint>
#include <string>

#include "lib/imap/acl.h"
#include "lib/imap/append.h"
#include "lib/imap/arguments.h"
#include "lib/imap/base_subject.h"
#include "lib/imap/fetch.h"
#include "lib/imap/list.h"
#include "lib/imap/mailbox_name.h"
#include "lib/imap/metadata.h"
#include "lib/imap/notify.h"
#include "lib/imap/response.h"
#include "lib/imap/search.h"
#include "lib/imap/search_return.h"
#include "lib/imap/sort.h"
#include "lib/imap/thread.h"
#include "lib/imap/url.h"
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

/// A line a message: its id, what it refers to, its subject.
void threads(std::string_view text) {
    std::vector<ThreadMessage> messages;
    while (!text.empty() && messages.size() < 100) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        ThreadMessage message;
        message.number = static_cast<std::uint32_t>(messages.size() + 1);
        message.date = line.empty() ? 0 : line.front();
        message.references = message_ids(line, 20);
        if (!message.references.empty()) {
            message.id = message.references.back();
            message.references.pop_back();
        }
        BaseSubject subject = base_subject(line);
        if (base_subject(subject.text).text != subject.text) __builtin_trap();
        message.subject = subject.text;
        message.is_reply = subject.is_reply;
        messages.push_back(std::move(message));
    }
    (void)thread_by_references(messages);
    (void)thread_by_refs(messages);
    (void)thread_by_subject(messages);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 32) {
        case 0:
            over(text, [](Scanner& s) { return parse_fetch_items(s, 100); });
            break;
        case 1:
            over(text, [](Scanner& s) { return parse_search(s, SearchLimits()); });
            break;
        case 2:
            over(text, [](Scanner& s) { return parse_append_message(s); });
            (void)is_append_message(text);
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
        case 7:
            over(text, [](Scanner& s) { return parse_select_parameters(s); });
            break;
        case 8:
            over(text, [](Scanner& s) { return parse_fetch_modifiers(s); });
            break;
        case 9:
            over(text, [](Scanner& s) { return parse_search_return(s); });
            break;
        case 10:
            over(text, [](Scanner& s) { return parse_sort(s, SearchLimits()); });
            break;
        case 11:
            over(text, [](Scanner& s) { return parse_thread(s, SearchLimits()); });
            break;
        case 13:
            over(text, [](Scanner& s) { return parse_list(s, 20); });
            break;
        case 14:
            over(text, [](Scanner& s) { return parse_catenate_part(s); });
            break;
        case 15:
            (void)parse_message_url(text);
            break;
        case 16:
            over(text, [](Scanner& s) { return parse_get_metadata(s, 20); });
            break;
        case 17:
            over(text, [](Scanner& s) { return parse_set_metadata(s, 20); });
            break;
        case 19:
            over(text, [](Scanner& s) { return parse_notify(s, 20, 20); });
            break;
        case 20:
            over(text, [](Scanner& s) { return parse_acl_change(s, false); });
            break;
        case 21:
            over(text, [](Scanner& s) { return parse_search_sources(s, 20); });
            break;
        case 18:
            over(text, [](Scanner& s) { return parse_create_use(s); });
            break;
        case 12:
            threads(text);
            break;
        default:
            over(text, [](Scanner& s) { return s.sequence_set(); });
            break;
    }
    return 0;
}
