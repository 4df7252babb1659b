#include "lib/imap/acl.h"

#include <tuple>

#include <catch2/catch.hpp>

using namespace facteur::imap;

TEST_CASE("rights are read, old ones too [RFC 4314 3.1, 2.1.1]", "[imap]") {
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {" fred rl", "fred  lr"},
        {" fred +cd", "fred + kxte"},
        {" -anyone \"-a\"", "-anyone - a"},
        {" fred \"\"", "fred  "},
        {" fred lz", "error"},
        {" \"\" l", "error"},
        {" fred", "error"},
        {" fred l l", "error"},
    }));
    INFO(text);
    Scanner scanner(text);
    auto got = parse_acl_change(scanner, false);
    CHECK(
        (got ? got->identifier + " " + std::string(got->sign ? 1 : 0, got->sign) + " " + got->rights
             : "error") == expected);
    CHECK(told_rights("lrk") == "lrkc");
    CHECK(told_rights("e") == "ed");
}
