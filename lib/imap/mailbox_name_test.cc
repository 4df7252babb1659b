#include "lib/imap/mailbox_name.h"

#include <catch2/catch.hpp>

#include "lib/imap/response.h"

using namespace facteur::imap;

TEST_CASE("list patterns [RFC 3501 6.3.8]", "[imap]") {
    auto [pattern, name, expected] = GENERATE(table<std::string, std::string, bool>({
        {"*", "a/b", true},
        {"%", "a", true},
        {"%", "a/b", false},
        {"%/%", "a/b", true},
        {"a/%", "a/b/c", false},
        {"a*", "a/b", true},
        {"a*c", "a/b/c", true},
        {"*b%", "a/b/cbd", true},
        {"inbox", "INBOX", true},
        {"InBox/x", "INBOX/x", true},
        {"inb%", "INBOX", true},
        {"a", "A", false},
        {"", "", true},
        {"", "a", false},
        {"*a%b", "a/ab", true},
        {"%a%b", "xaya/b", false},
    }));
    INFO(pattern << " " << name);
    CHECK(matches(pattern, name, '/') == expected);
}

TEST_CASE("patterns that stars make slow on other servers end soon", "[imap]") {
    std::string pattern;
    for (int i = 0; i < 200; ++i)
        pattern += "*a%";
    CHECK_FALSE(matches(pattern + "b", std::string(1000, 'a'), '/'));
}

TEST_CASE("could_match_below finds patterns that reach deeper", "[imap]") {
    CHECK(could_match_below("*", "a", '/'));
    CHECK(could_match_below("a/%", "a", '/'));
    CHECK_FALSE(could_match_below("%", "a", '/'));
    CHECK_FALSE(could_match_below("b/%", "a", '/'));
}

TEST_CASE("strings are quoted, or literals where they must be [RFC 3501 4.3]", "[imap]") {
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"", "\"\""},
        {"a\"b", "\"a\\\"b\""},
        {"a\r\n", "{3}\r\na\r\n"},
        {"\xc3\xa4", "{2}\r\n\xc3\xa4"},
        {"\"\"\"\"\"", "{5}\r\n\"\"\"\"\""},
        {std::string("a\0b", 3), "\"ab\""},
    }));
    std::string out;
    append_string(out, text);
    CHECK(out == expected);
}

TEST_CASE("astrings are atoms where that is enough [RFC 3501 9]", "[imap]") {
    std::string out;
    append_astring(out, "INBOX");
    append_astring(out, "a b");
    append_astring(out, "");
    append_astring(out, "NIL");
    CHECK(out == "INBOX\"a b\"\"\"\"NIL\"");
}
