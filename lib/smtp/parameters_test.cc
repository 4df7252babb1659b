#include "lib/smtp/parameters.h"

#include <catch2/catch.hpp>

#include "lib/smtp/xtext.h"

using namespace facteur::smtp;

TEST_CASE("parameters of MAIL are read and written back", "[smtp]") {
    const std::string text = GENERATE(values<std::string>(
        {"", " SIZE=1000", " BODY=7BIT", " SIZE=1 BODY=8BITMIME SMTPUTF8", " AUTH=<>",
         " AUTH=e+3Dmc2@example.com", " RET=HDRS ENVID=QQ314159", " RET=FULL ENVID=a+2Bb"}));
    INFO(text);
    const auto parameters = parse_mail_parameters(text);
    REQUIRE(parameters);
    CHECK(to_text(*parameters) == text);
}

TEST_CASE("parameters of MAIL that are wrong are refused with 5.5.4", "[smtp]") {
    const std::string text = GENERATE(values<std::string>(
        {"SIZE", "SIZE=", "SIZE=x", "SIZE=-1", "SIZE=123456789012345678901", "BODY=BINARYMIME",
         "BODY=", "SMTPUTF8=1", "AUTH=", "AUTH=a=b", "RET=x", "RET=FULL RET=HDRS", "ENVID=",
         "ENVID=a=b", "ENVID=" + std::string(101, 'a'), "FOO", "FOO=bar", "NOTIFY=NEVER"}));
    INFO(text);
    const auto parameters = parse_mail_parameters(text);
    REQUIRE_FALSE(parameters);
    CHECK(parameters.error().status == "5.5.4");
}

TEST_CASE("a size beyond 64 bits is the largest size [RFC 1870 3]", "[smtp]") {
    const auto parameters = parse_mail_parameters("SIZE=99999999999999999999");
    REQUIRE(parameters);
    CHECK(parameters->size == UINT64_MAX);
}

TEST_CASE("parameters of extensions that were not offered are refused", "[smtp]") {
    Offered nothing{false, false, false, false, false};
    for (const std::string_view text :
         {"SIZE=1", "BODY=7BIT", "SMTPUTF8", "AUTH=<>", "RET=FULL", "ENVID=a"})
        CHECK_FALSE(parse_mail_parameters(text, nothing));
    CHECK_FALSE(parse_rcpt_parameters("NOTIFY=NEVER", nothing));
    CHECK_FALSE(parse_rcpt_parameters("ORCPT=rfc822;a", nothing));
}

TEST_CASE("parameters of RCPT are read and written back [RFC 3461 4.1, 4.2]", "[smtp]") {
    const std::string text =
        GENERATE(values<std::string>({"", " NOTIFY=NEVER", " NOTIFY=SUCCESS,FAILURE,DELAY",
                                      " NOTIFY=DELAY ORCPT=rfc822;a+2Bb@example.com"}));
    INFO(text);
    const auto parameters = parse_rcpt_parameters(text);
    REQUIRE(parameters);
    CHECK(to_text(*parameters) == text);
}

TEST_CASE("parameters of RCPT that are wrong are refused", "[smtp]") {
    const std::string text = GENERATE(values<std::string>(
        {"NOTIFY", "NOTIFY=", "NOTIFY=NEVER,DELAY", "NOTIFY=SOMETIMES", "NOTIFY=DELAY,",
         "NOTIFY=DELAY NOTIFY=DELAY", "ORCPT=", "ORCPT=rfc822", "ORCPT=;a", "ORCPT=rfc822;",
         "ORCPT=rfc822;a=b", "ORCPT=rfc822;a+0Ab", "ORCPT=rfc_822;a", "SIZE=1"}));
    INFO(text);
    CHECK_FALSE(parse_rcpt_parameters(text));
}

TEST_CASE("xtext goes there and back [RFC 3461 4]", "[smtp]") {
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    CHECK(xtext_decode(xtext_encode(all)) == all);
    CHECK(xtext_encode("a+b=c") == "a+2Bb+3Dc");
    for (const std::string_view bad : {"+", "+2", "+G0", "a b", "=", "\x80"})
        CHECK_FALSE(xtext_decode(bad));
}
