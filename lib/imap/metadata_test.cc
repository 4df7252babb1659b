#include "lib/imap/metadata.h"

#include <tuple>

#include <catch2/catch.hpp>

using namespace facteur::imap;

namespace {

std::string asked(std::string_view text) {
    Scanner scanner(text);
    auto got = parse_get_metadata(scanner, 3);
    if (!got) return "error";
    std::string out = got->mailbox + ";" + std::to_string(static_cast<int>(got->query.depth)) + ";";
    if (got->query.max_size) out += std::to_string(*got->query.max_size);
    for (const std::string& entry : got->query.entries)
        out += ";" + entry;
    return out;
}

}  // namespace

TEST_CASE("GETMETADATA is read with its options in either place [RFC 5464 4.2]", "[imap]") {
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {" INBOX /private/Comment", "INBOX;0;;/private/comment"},
        {" (MAXSIZE 10 DEPTH infinity) \"\" (/shared /private)", ";2;10;/shared;/private"},
        {" INBOX (DEPTH 1) (/private/filters/values)", "INBOX;1;;/private/filters/values"},
        {" INBOX (/private/a /private/b /private/c)", "INBOX;0;;/private/a;/private/b;/private/c"},
        {" INBOX (/private/a /private/b /private/c /private/d)", "error"},
        {" INBOX /other/a", "error"},
        {" INBOX /private//a", "error"},
        {" INBOX /private/a/", "error"},
        {" INBOX \"/private/*\"", "error"},
        {" INBOX /privately", "error"},
        {" INBOX (DEPTH 2) /private/a", "error"},
        {" INBOX", "error"},
        {" INBOX /private/a x", "error"},
    }));
    INFO(text);
    CHECK(asked(text) == expected);
}

TEST_CASE("SETMETADATA takes strings, binary and NIL [RFC 5464 4.3]", "[imap]") {
    std::string text = " b (/private/a NIL /private/b \"x\" /private/c ~{3}\r\na";
    text += std::string("\0b)", 3);
    Scanner scanner(text);
    auto got = parse_set_metadata(scanner, 9);
    REQUIRE(got);
    REQUIRE(got->values.size() == 3);
    CHECK_FALSE(got->values[0].second);
    CHECK(got->values[1].second == "x");
    CHECK(got->values[2].second == std::string("a\0b", 3));
    for (std::size_t n = 0; n < text.size(); ++n) {
        Scanner cut(std::string_view(text).substr(0, n));
        CHECK_FALSE(parse_set_metadata(cut, 9));
    }
    Scanner root(" b (/private \"x\")");
    CHECK_FALSE(parse_set_metadata(root, 9));
}

TEST_CASE("depth tells how far below an entry values are asked for [RFC 5464 4.2.2]", "[imap]") {
    MetadataQuery query;
    query.entries = {"/private/a"};
    CHECK(asks_for(query, "/private/a"));
    CHECK_FALSE(asks_for(query, "/private/a/b"));
    query.depth = MetadataQuery::Depth::one;
    CHECK(asks_for(query, "/private/a/b"));
    CHECK_FALSE(asks_for(query, "/private/a/b/c"));
    CHECK_FALSE(asks_for(query, "/private/ab"));
    query.depth = MetadataQuery::Depth::infinity;
    CHECK(asks_for(query, "/private/a/b/c"));
}
