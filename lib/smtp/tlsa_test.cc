#include "lib/smtp/tlsa.h"

#include <catch2/catch.hpp>

using namespace facteur::smtp;

TEST_CASE("which TLSA records SMTP can use [RFC 7672 3.1]", "[smtp]") {
    auto [head, size, usable] = GENERATE(table<std::string, int, bool>({
        {std::string("\3\1\1", 3), 32, true},
        {std::string("\2\0\2", 3), 64, true},
        {std::string("\3\0\0", 3), 500, true},
        {std::string("\0\1\1", 3), 32, false},
        {std::string("\1\1\1", 3), 32, false},
        {std::string("\4\1\1", 3), 32, false},
        {std::string("\3\2\1", 3), 32, false},
        {std::string("\3\1\3", 3), 32, false},
        {std::string("\3\1\1", 3), 31, false},
        {std::string("\3\1\2", 3), 32, false},
    }));
    auto record = parse_tlsa(head + std::string(static_cast<std::size_t>(size), 'x'));
    REQUIRE(record);
    CHECK(record->usable() == usable);
    CHECK_FALSE(parse_tlsa(head));
    CHECK(parse_tlsa(std::string("\3\1\1\xab", 4))->text() == "3 1 1 ab");
}
