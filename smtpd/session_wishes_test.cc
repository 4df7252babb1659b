#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "smtpd/test_fixture.h"

using namespace facteur;
using namespace facteur::smtpd::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

const std::string kAll =
    "smtpd_mt_priority_enable = yes\nsmtpd_deliverby_enable = yes\n"
    "smtpd_futurerelease_enable = yes\nsmtpd_sasl_auth_enable = yes\n";

std::string hello(Fixture& f) {
    f.connect();
    f.reply();
    return f.say("EHLO client.test");
}

void log_in(Fixture& f) {
    const std::string right = base64_encode(std::string("\0anna\0secret", 12));
    REQUIRE_THAT(f.say("AUTH PLAIN " + right), StartsWith("235"));
}

const ipc::Submit& submit(Fixture& f) {
    f.say("RCPT TO:<user@here.test>");
    f.say("DATA");
    REQUIRE_THAT(f.say("Subject: x\r\n\r\nx\r\n."), StartsWith("250"));
    return f.backend.taken.back().message;
}

}  // namespace

TEST_CASE("extensions for the delivery are offered where they are switched on", "[smtpd]") {
    Fixture f(kAll +
              "smtpd_mt_priority_profile = MIXER\nsmtpd_deliverby_minimum = 30s\n"
              "smtpd_futurerelease_limit = 1d\n");
    const std::string reply = hello(f);
    CHECK_THAT(reply, Contains("MT-PRIORITY MIXER\r\n"));
    CHECK_THAT(reply, Contains("DELIVERBY 30\r\n"));
    CHECK_THAT(reply, Contains("FUTURERELEASE 86400 20"));
}

TEST_CASE("extensions for the delivery that are not offered are refused", "[smtpd]") {
    Fixture f;
    const std::string reply = hello(f);
    for (const std::string keyword : {"MT-PRIORITY", "DELIVERBY", "FUTURERELEASE"})
        CHECK_THAT(reply, !Contains(keyword));
    for (const std::string parameter : {"MT-PRIORITY=1", "BY=60;N", "HOLDFOR=60"})
        CHECK_THAT(f.say("MAIL FROM:<a@else.test> " + parameter), StartsWith("555 5.5.4"));
}

TEST_CASE("DELIVERBY needs DSN [RFC 2852 3]", "[smtpd]") {
    Fixture f(kAll + "smtpd_discard_ehlo_keywords = dsn\n");
    CHECK_THAT(hello(f), !Contains("DELIVERBY"));
}

TEST_CASE("a stranger's mail is not more urgent than other mail [RFC 6710 5]", "[smtpd]") {
    Fixture f(kAll);
    hello(f);
    const bool known = GENERATE(false, true);
    if (known) log_in(f);
    const std::string reply = f.say("MAIL FROM:<from@else.test> MT-PRIORITY=3");
    CHECK(reply == (known ? "250 2.1.0 Ok" : "250 2.3.6 0 is the priority of this message"));
    CHECK(submit(f).priority == (known ? 3 : 0));
    CHECK_THAT(f.backend.taken.back().content, Contains(known ? "PRIORITY 3;" : "PRIORITY 0;"));
    CHECK(f.say("MAIL FROM:<from@else.test> MT-PRIORITY=-4") == "250 2.1.0 Ok");
    CHECK(submit(f).priority == -4);
}

TEST_CASE("a time to deliver by is taken [RFC 2852 4]", "[smtpd]") {
    Fixture f(kAll + "smtpd_deliverby_minimum = 30s\n");
    hello(f);
    CHECK_THAT(f.say("MAIL FROM:<from@else.test> BY=29;R"), StartsWith("555 5.5.4"));
    CHECK(f.say("MAIL FROM:<from@else.test> BY=600;RT") == "250 2.1.0 Ok");
    const ipc::Submit& message = submit(f);
    CHECK(message.by_mode == 1);
    CHECK(message.by_trace);
    CHECK(message.deliver_by == message.arrival / 1000000 + 600);
    CHECK(f.say("MAIL FROM:<from@else.test> BY=-5;N") == "250 2.1.0 Ok");
    CHECK(submit(f).by_mode == 2);
}

TEST_CASE("who has authenticated may hold mail back [RFC 4865 4, 5]", "[smtpd]") {
    Fixture f(kAll + "smtpd_futurerelease_limit = 1h\n");
    hello(f);
    CHECK(f.say("MAIL FROM:<from@else.test> HOLDFOR=60") == "530 5.7.0 Authentication required");
    log_in(f);
    CHECK_THAT(f.say("MAIL FROM:<from@else.test> HOLDFOR=3601"), StartsWith("501 5.5.4"));
    CHECK_THAT(f.say("MAIL FROM:<from@else.test> HOLDUNTIL=2020-01-01T00:00:00Z"),
               StartsWith("501 5.5.4"));
    CHECK(f.say("MAIL FROM:<from@else.test> HOLDFOR=3600") == "250 2.1.0 Ok");
    const ipc::Submit& message = submit(f);
    CHECK(message.release_at == message.arrival / 1000000 + 3600);
}
