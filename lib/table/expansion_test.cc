#include "lib/table/expansion.h"

#include <catch2/catch.hpp>

namespace facteur::table {
namespace {

Result<std::string> as_is(std::string_view text) {
    return std::string(text);
}
std::string filled(std::string_view text, std::string_view key) {
    Expansion expansion;
    if (!expansion.add_query(text)) return "wrong";
    return expansion.query(0, key, as_is)->value_or("nothing");
}
std::string result(std::string_view format, std::string_view value, std::string_view key) {
    Expansion expansion;
    if (!expansion.set_result_format(format)) return "wrong";
    std::string out;
    return expansion.append(out, value, key) ? out : "left out";
}

TEST_CASE("a key becomes a query", "[table]") {
    CHECK(filled("a=%s b=%u c=%d %%", "u@mail.example.com") ==
          "a=u@mail.example.com b=u c=mail.example.com %");
    CHECK(filled("%1 %2 %3", "u@mail.example.com") == "com example mail");
    CHECK(filled("%4", "u@mail.example.com") == "nothing");
    CHECK(filled("%S %U", "user") == "user user");
    CHECK(filled("%d", "user") == "nothing");
    CHECK(filled("%d", "user@") == "nothing");
    CHECK(filled("%u", "@example.com") == "nothing");
    CHECK(filled("%s", "") == "nothing");
    CHECK(filled("%x", "user") == "wrong");
    CHECK(filled("50%", "user") == "wrong");
}

TEST_CASE("values become a result", "[table]") {
    CHECK(result("%s", "v", "k") == "v");
    CHECK(result("smtp:[%d]%u", "u@h", "k") == "smtp:[h]u");
    CHECK(result("%d", "unqualified", "k@d") == "left out");
    CHECK(result("%U %D %1", "v", "k@d.org") == "k d.org org");
    CHECK(result("%D", "v", "k") == "left out");
    CHECK(result("%s", "", "k") == "left out");
    Expansion expansion;
    REQUIRE(expansion.set_result_format("<%s>"));
    std::string out;
    CHECK(expansion.append(out, "a", "k"));
    CHECK(expansion.append(out, "b", "k"));
    CHECK(out == "<a>,<b>");
}

TEST_CASE("what a key says stays text", "[table]") {
    CHECK(quoted_for_filter("*)(uid=\\*") == "\\2A\\29\\28uid=\\5C\\2A");
    CHECK(quoted_for_filter(std::string_view("a\0b", 3)) == "a\\00b");
    CHECK(quoted_for_dn(" #a,b+c=d ") == "\\ #a\\,b\\+c\\=d\\ ");
    CHECK(quoted_for_dn("#a") == "\\#a");
}

}  // namespace
}  // namespace facteur::table
