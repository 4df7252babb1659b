#include "smtpd/mechanisms.h"

#include <catch2/catch.hpp>

#include "smtpd/test_fixture.h"

using namespace facteur::smtpd;
using namespace facteur::smtpd::testing;
using Words = std::vector<std::string>;

TEST_CASE("security options leave the mechanisms that have what they ask for", "[smtpd]") {
    CHECK(is_secure_enough("PLAIN", {"noanonymous"}));
    CHECK_FALSE(is_secure_enough("ANONYMOUS", {"noanonymous"}));
    CHECK_FALSE(is_secure_enough("LOGIN", {"noanonymous", "noplaintext"}));
    CHECK(is_secure_enough("CRAM-MD5", {"noplaintext"}));
    CHECK_FALSE(is_secure_enough("CRAM-MD5", {"mutual_auth"}));
    CHECK(is_secure_enough("SCRAM-SHA-256", {"mutual_auth", "noplaintext"}));
    CHECK(is_secure_enough("PLAIN", {}));
    CHECK(unknown_security_option({"noanonymous", "noplain"}) == "noplain");
    CHECK(unknown_security_option({"noanonymous"}).empty());
}

TEST_CASE("AUTH offers what the filter and the options leave", "[smtpd]") {
    struct Row {
        std::string main_cf, has, has_not;
    };
    const Row row = GENERATE(values<Row>({
        {"", "250-AUTH PLAIN\r\n", "AUTH="},
        {"broken_sasl_auth_clients = yes\n", "250-AUTH=PLAIN\r\n", "LOGIN"},
        {"smtpd_sasl_mechanism_filter = !plain, static:rest\n", "250", "AUTH"},
        {"smtpd_sasl_mechanism_filter = !external, static:rest\n", "250-AUTH PLAIN\r\n", "AUTH="},
        {"smtpd_sasl_security_options = noanonymous, noplaintext\n", "250", "AUTH"},
    }));
    INFO(row.main_cf);
    Fixture f("smtpd_sasl_auth_enable = yes\n" + row.main_cf);
    f.connect();
    f.reply();
    const std::string reply = f.say("EHLO c");
    CHECK_THAT(reply, Catch::Matchers::Contains(row.has));
    CHECK_THAT(reply, !Catch::Matchers::Contains(row.has_not));
}

TEST_CASE("a mechanism that is not offered is not taken", "[smtpd]") {
    Fixture f("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_security_options = noplaintext\n");
    f.connect();
    f.reply();
    f.say("EHLO c");
    CHECK(f.say("AUTH PLAIN AGFubmEAc2VjcmV0").starts_with("504 5.5.4 "));
}

TEST_CASE("a response that is too long ends the exchange", "[smtpd]") {
    Fixture f("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_response_limit = 100\n");
    f.connect();
    f.reply();
    f.say("EHLO c");
    f.say("AUTH LOGIN");
    CHECK(f.say(std::string(120, 'A')) == "500 5.5.6 SASL response is too long");
}
