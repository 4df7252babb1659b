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

namespace {

Offered with_wishes() {
    Offered offered;
    offered.mt_priority = offered.deliver_by = offered.future_release = true;
    return offered;
}

}  // namespace

TEST_CASE("wishes for the delivery are read and written back", "[smtp]") {
    const std::string text = GENERATE(values<std::string>(
        {" MT-PRIORITY=-9", " MT-PRIORITY=0", " MT-PRIORITY=9", " BY=120;R", " BY=-5;NT",
         " BY=999999999;RT", " HOLDFOR=86400", " HOLDUNTIL=2026-11-30T08:00:00Z",
         " SIZE=1 MT-PRIORITY=3 BY=60;N HOLDFOR=5"}));
    INFO(text);
    const auto parameters = parse_mail_parameters(text, with_wishes());
    REQUIRE(parameters);
    CHECK(to_text(*parameters) == text);
    CHECK_FALSE(parse_mail_parameters(text));  // not offered
}

TEST_CASE("wishes that are wrong are refused [RFC 6710 6, RFC 2852 4, RFC 4865 4]", "[smtp]") {
    const std::string text =
        GENERATE(values<std::string>({"MT-PRIORITY",
                                      "MT-PRIORITY=",
                                      "MT-PRIORITY=10",
                                      "MT-PRIORITY=-0",
                                      "MT-PRIORITY=+1",
                                      "MT-PRIORITY=1 MT-PRIORITY=1",
                                      "BY",
                                      "BY=",
                                      "BY=1",
                                      "BY=;R",
                                      "BY=1;",
                                      "BY=1;X",
                                      "BY=0;R",
                                      "BY=-1;R",
                                      "BY=1;TR",
                                      "BY=1;RTT",
                                      "BY=1234567890;N",
                                      "BY=1;N BY=1;N",
                                      "HOLDFOR=",
                                      "HOLDFOR=0",
                                      "HOLDFOR=-1",
                                      "HOLDFOR=1234567890",
                                      "HOLDFOR=1 HOLDFOR=1",
                                      "HOLDFOR=1 HOLDUNTIL=2026-11-30T08:00:00Z",
                                      "HOLDUNTIL=2026-11-30",
                                      "HOLDUNTIL=2026-11-30T08:00:00",
                                      "HOLDUNTIL=2026-11-30T08:00:00+01:00",
                                      "HOLDUNTIL=2026-02-30T08:00:00Z",
                                      "HOLDUNTIL=2026-11-30T24:00:00Z",
                                      "HOLDUNTIL=2026-11-30T08:00:00.Z",
                                      "HOLDUNTIL=2026-13-01T00:00:00Z"}));
    INFO(text);
    const auto parameters = parse_mail_parameters(text, with_wishes());
    REQUIRE_FALSE(parameters);
    CHECK(parameters.error().status == "5.5.4");
}

TEST_CASE("times of RFC 3339 are read and written", "[smtp]") {
    CHECK(parse_utc_time("1970-01-01T00:00:01Z") == 1);
    CHECK(parse_utc_time("2026-11-30t08:00:00.25z") == 1796025600);
    CHECK(parse_utc_time("2016-12-31T23:59:60Z") == 1483228800);
    CHECK(utc_time_text(1796025600) == "2026-11-30T08:00:00Z");
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
