#include <catch2/catch.hpp>

#include "smtpd/test_fixture.h"

using namespace facteur;
using namespace facteur::smtpd;
using namespace facteur::smtpd::testing;

TEST_CASE("XCLIENT makes a trusted proxy another client", "[smtpd]") {
    Fixture f(
        "smtpd_authorized_xclient_hosts = 127.0.0.1, 192.0.2.0/24, 2001:db8::/32\n"
        "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject\n"
        "smtpd_client_restrictions = check_client_access hash:x\n"
        "smtpd_client_connection_count_limit = 5\n");
    f.backend.access_table["bad.test"] = "REJECT";
    f.connect();
    f.reply();
    CHECK(f.say("EHLO a").find("XCLIENT NAME ADDR PORT") != std::string::npos);
    CHECK(f.say("XCLIENT") == "501 5.5.4 Syntax: XCLIENT attribute=value...");
    CHECK(f.say("XCLIENT ADDR") == "501 5.5.4 Error: attribute=value expected");
    CHECK(f.say("XCLIENT FOO=bar") == "501 5.5.4 Bad XCLIENT attribute name: FOO");
    CHECK(f.say("XCLIENT ADDR=1.2.3") == "501 5.5.4 Bad ADDR syntax: 1.2.3");
    CHECK(f.say("XCLIENT ADDR=192.0.2.7 NAME=good.test PORT=77").substr(0, 4) == "220 ");
    CHECK(f.dialogue({"EHLO b", "MAIL FROM:<a@b.test>", "RCPT TO:<x@else.test>"}) ==
          "250 2.1.5 Ok");
    CHECK(f.say("XCLIENT ADDR=192.0.2.8") == "503 5.5.1 Error: MAIL transaction in progress");
    CHECK(f.dialogue({"RSET", "XCLIENT ADDR=IPV6:2001:db8::1 NAME=bad.test"}).substr(0, 3) ==
          "220");
    CHECK(f.dialogue({"MAIL FROM:<a@b.test>", "RCPT TO:<user@here.test>"}) ==
          "554 5.7.1 <bad.test[2001:db8::1]>: Client host rejected: Access denied");
    CHECK(f.dialogue({"RSET", "XCLIENT NAME=[UNAVAILABLE] LOGIN=anna"}).substr(0, 3) == "220");
    CHECK(f.dialogue({"MAIL FROM:<a@b.test>", "RCPT TO:<x@else.test>"}) == "250 2.1.5 Ok");
    CHECK(f.dialogue({"RSET", "XCLIENT ADDR=203.0.113.1"}).substr(0, 3) == "220");
    CHECK(f.say("XCLIENT ADDR=127.0.0.1") == "550 5.7.0 Error: insufficient authorization");
}

TEST_CASE("XFORWARD tells from whom the next message came", "[smtpd]") {
    Fixture f("smtpd_authorized_xforward_hosts = 127.0.0.1\n");
    f.connect();
    f.reply();
    CHECK(f.say("EHLO a").find("XFORWARD NAME ADDR") != std::string::npos);
    CHECK(f.say("XCLIENT NAME=a") == "550 5.7.0 Error: insufficient authorization");
    CHECK(f.say("XFORWARD NAME=far.test ADDR=198.51.100.9") == "250 2.0.0 Ok");
    CHECK(f.say("XFORWARD HELO=far+2Btest PROTO=SMTP IDENT=ABC SOURCE=REMOTE") == "250 2.0.0 Ok");
    CHECK(f.say("XFORWARD WHAT=x") == "501 5.5.4 Bad XFORWARD attribute name: WHAT");
    f.mail("x\r\n.\r\n");
    f.mail("x\r\n.\r\n");
    REQUIRE(f.backend.taken.size() == 2);
    CHECK(f.backend.taken[0].message.client_name == "far.test");
    CHECK(f.backend.taken[0].message.client_address == "198.51.100.9");
    CHECK(f.backend.taken[0].message.helo == "far+test");
    CHECK(f.backend.taken[0].message.protocol == "SMTP");
    CHECK(f.backend.taken[1].message.client_address == "127.0.0.1");
}
