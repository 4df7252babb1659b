#include "lib/mime/utf7.h"

#include <catch2/catch.hpp>

using namespace facteur::mime;

TEST_CASE("modified UTF-7 goes both ways [RFC 3501 5.1.3]", "[mime]") {
    auto [utf8, utf7] = GENERATE(table<std::string, std::string>({
        {"", ""},
        {"INBOX", "INBOX"},
        {"a&b", "a&-b"},
        {"~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"},
        {"Entw\u00fcrfe", "Entw&APw-rfe"},
        {"\U0001f600!", "&2D3eAA-!"},
        {"\u00e4\u00f6", "&AOQA9g-"},
    }));
    CHECK(utf8_to_utf7(utf8) == utf7);
    CHECK(utf7_to_utf8(utf7) == utf8);
}

TEST_CASE("what is not the one encoding of its text is refused [RFC 3501 5.1.3]", "[mime]") {
    std::string text =
        GENERATE(values<std::string>({"&", "a&", "&U,BTFw", "&ZeVnLIqe-&U,BTFw-", "&AGE-", "&2D0-",
                                      "&3gA-", "&!!!-", "\xc3\xa4", "a\tb", "&AA-"}));
    INFO(text);
    CHECK_FALSE(utf7_to_utf8(text));
}
