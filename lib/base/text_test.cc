#include "lib/base/text.h"

#include <catch2/catch.hpp>

using namespace facteur;

TEST_CASE("case folds in ASCII only", "[base]") {
    CHECK(to_lower("AbZ\xC4") == "abz\xC4");
    CHECK(to_upper("aBz{") == "ABZ{");
    CHECK(iequals("MaIl", "mAiL"));
    CHECK_FALSE(iequals("mail", "mai"));
    CHECK(istarts_with("FROM:<a>", "from:"));
    CHECK(iends_with("a.EXAMPLE", ".example"));
    CHECK_FALSE(iends_with("ample", "example"));
}

TEST_CASE("lists are cut at separators", "[base]") {
    CHECK(split("a,,b", ',') == std::vector<std::string_view>{"a", "", "b"});
    CHECK(split("", ',') == std::vector<std::string_view>{""});
    CHECK(words(" a, b\n\tc,") == std::vector<std::string_view>{"a", "b", "c"});
    CHECK(words(" ,") == std::vector<std::string_view>{});
    std::string_view line = "RCPT  TO:<a>";
    CHECK(take_word(line) == "RCPT");
    CHECK(line == "TO:<a>");
}

TEST_CASE("numbers are whole or nothing", "[base]") {
    CHECK(parse_number("0") == 0u);
    CHECK(parse_number("18446744073709551615") == 18446744073709551615u);
    CHECK_FALSE(parse_number("18446744073709551616"));
    CHECK_FALSE(parse_number(""));
    CHECK_FALSE(parse_number("-1"));
    CHECK_FALSE(parse_number("1 "));
}

TEST_CASE("what is logged holds no control characters", "[base]") {
    CHECK(printable("a\r\nb\x1b\x7f\xC3") == "a??b???");
    CHECK(printable("abcdef", 3) == "abc");
}

TEST_CASE("joining and replacing", "[base]") {
    CHECK(join({"a", "b"}, ", ") == "a, b");
    CHECK(join({}, ", ").empty());
    CHECK(replace_all("a.b.c", ".", "..") == "a..b..c");
    CHECK(trim(" \t a b \r\n") == "a b");
}
