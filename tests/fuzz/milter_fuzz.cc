// Answers of a milter: whatever comes, what is taken of it is fit for a header and a reply.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lib/milter/protocol.h"

using namespace facteur::milter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto answer = parse_answer(text.front(), text.substr(1))) {
        const bool is_body = answer->kind == Kind::replace_body;
        if (answer->name.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) abort();
        if (!is_body && answer->value.find('\0') != std::string::npos) abort();
    }
    if (const auto reply = parse_reply_text(text)) {
        if (reply->code < 400 || reply->code > 599) abort();
        if (reply->text.find_first_of(std::string_view("\r\0", 2)) != std::string::npos) abort();
    }
    for (const std::uint32_t version : {2U, 4U, 6U}) {
        const Terms offered = offer(version);
        if (const auto terms = parse_negotiation(text, offered)) {
            if (terms->actions & ~offered.actions) abort();
        }
    }
    return 0;
}
