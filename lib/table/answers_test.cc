#include "lib/table/answers.h"

#include <catch2/catch.hpp>

namespace facteur::table {
namespace {

std::string told(const Found& found) {
    if (!found) return found.error().is_temporary() ? "temporary" : "permanent";
    return found->value_or("nothing");
}

TEST_CASE("tcp_table replies", "[table]") {
    CHECK(percent_encoded("two words%\n") == "two%20words%25%0A");
    CHECK(*percent_decoded("a%20b%5a") == "a bZ");
    CHECK_FALSE(percent_decoded("a%2"));
    CHECK_FALSE(percent_decoded("a%"));
    CHECK_FALSE(percent_decoded("%zz"));
    CHECK(told(parse_tcp_reply("200 here%2C\r")) == "here,");
    CHECK(told(parse_tcp_reply("500 no")) == "nothing");
    for (const char* bad : {"400 later", "200 ", "200", "", "2", "5000 x", "hello", "200 %"})
        CHECK(told(parse_tcp_reply(bad)) == "temporary");
}

TEST_CASE("socketmap replies", "[table]") {
    CHECK(netstring("ab c") == "4:ab c,");
    CHECK(*parse_netstring_length("12", 100) == 12);
    for (const char* bad : {"", "-1", "1x", "101", "9999999999"})
        CHECK_FALSE(parse_netstring_length(bad, 100));
    CHECK(told(parse_socketmap_reply("OK two words")) == "two words");
    CHECK(told(parse_socketmap_reply("NOTFOUND ")) == "nothing");
    for (const char* bad : {"TEMP x", "TIMEOUT", "PERM x", "OK", "OK ", "", "ok x"})
        CHECK(told(parse_socketmap_reply(bad)) == "temporary");
}

TEST_CASE("memcached's replies", "[table]") {
    CHECK_FALSE(parse_memcache_header("END", "k")->found);
    CHECK(parse_memcache_header("VALUE k 0 17", "k")->bytes == 17);
    for (const char* bad : {"VALUE other 0 1", "VALUE k 0", "ERROR", "", "VALUE k 0 99999999999"})
        CHECK_FALSE(parse_memcache_header(bad, "k"));
    CHECK(is_memcache_key("a@b"));
    for (const char* bad : {"", "a b", "a\r\nset x", "a\n"})
        CHECK_FALSE(is_memcache_key(bad));
    CHECK_FALSE(is_memcache_key(std::string(251, 'a')));
}

}  // namespace
}  // namespace facteur::table
