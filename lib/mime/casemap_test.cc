#include "lib/mime/casemap.h"

#include <tuple>

#include <catch2/catch.hpp>

using facteur::mime::casemap;

TEST_CASE("what differs in case or form alone becomes the same [RFC 5051 2]", "[mime]") {
    auto [one, other] = GENERATE(table<const char*, const char*>({
        {"Straße", "STRAßE"},                            // ß has no single titlecase
        {"ÄRGER", "a\xcc\x88rger"},                      // composed and decomposed
        {"ΣΊΣΥΦΟΣ", "σίσυφος"},                          // final sigma
        {"ДОБРЫЙ", "добрый"},                            //
        {"Ǆ", "ǆ"},                                      // titlecase differs from upper case
        {"각", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8"},  // Hangul
        {"Ａｂｃ", "aBC"},                               // full width
        {"ეფბ", "ეფბ"},                                  //
        {"\xf0\x90\x90\xa8", "\xf0\x90\x90\x80"},        // Deseret, beyond the first plane
    }));
    CHECK(casemap(one) == casemap(other));
}

TEST_CASE("what is not UTF-8 stays [RFC 5051 2]", "[mime]") {
    CHECK(casemap("a\xff\xc3") == "A\xff\xc3");
    CHECK(casemap("\xc0\x80") == "\xc0\x80");
    CHECK(casemap(std::string_view("\0x", 2)) == std::string_view("\0X", 2));
    CHECK(casemap("_") > casemap("z"));
}
