#include <catch2/catch.hpp>

#include "smtpd/dnsbl_site.h"
#include "smtpd/test_fixture.h"

using namespace facteur;
using namespace facteur::smtpd;
using namespace facteur::smtpd::testing;
using Catch::Matchers::StartsWith;

namespace {

const std::string kOn =
    "postscreen_enable = yes\n"
    "postscreen_greet_wait = 3\n"
    "postscreen_greet_banner = wait\n";

/// The client keeps silent until the wait is over.
std::string patient(Fixture& f) {
    f.connect();
    CHECK(f.reply_line() == "220-wait");
    f.loop.advance(std::chrono::seconds(4));
    return f.reply();
}

void listed(Fixture& f, const std::string& domain, const std::string& answer) {
    f.backend.listings["1.0.0.127." + domain].addresses = {answer};
}

}  // namespace

TEST_CASE("a site has a domain, a filter and a weight", "[smtpd]") {
    const auto sites = parse_dnsbl_sites(
        {"zen.example.org=127.0.0.[2..11]*3", "white.example.org*-2", "plain.example.org"});
    REQUIRE(sites);
    CHECK(sites->at(0).domain == "zen.example.org");
    CHECK(sites->at(0).filter == "zen.example.org=127.0.0.[2..11]");
    CHECK(sites->at(0).weight == 3);
    CHECK(sites->at(1).weight == -2);
    CHECK(sites->at(2).weight == 1);
    for (const char* wrong : {"a b*1", "zen.example.org*x", "*3", "zen.example.org=*2", ""}) {
        INFO(wrong);
        CHECK_FALSE(parse_dnsbl_sites({wrong}));
    }
}

TEST_CASE("a client that keeps silent is remembered and not tested again", "[smtpd]") {
    Fixture f(kOn);
    CHECK(patient(f) == "220 mx.here.test ESMTP Facteur");
    CHECK(f.backend.known["127.0.0.1"].pregreet > 0);
    CHECK(f.dialogue({"EHLO a.test", "MAIL FROM:<a@b.test>", "RCPT TO:<user@here.test>"}) ==
          "250 2.1.5 Ok");
    f.say("QUIT");
    f.farewell();
    f.connect();
    CHECK(f.reply() == "220 mx.here.test ESMTP Facteur");
}

TEST_CASE("a client that talks before the greeting fails", "[smtpd]") {
    SECTION("and hears no more") {
        Fixture f(kOn + "postscreen_greet_action = drop\n");
        f.connect();
        f.send("EHLO a.test\r\n");
        f.reply_line();
        CHECK(f.farewell() == "521 5.5.1 Protocol error\r\n");
    }
    SECTION("and its mail is refused") {
        Fixture f(kOn + "postscreen_greet_action = enforce\n");
        f.connect();
        f.send("EHLO a.test\r\n");
        f.reply_line();
        CHECK(f.reply() == "220 mx.here.test ESMTP Facteur");
        CHECK_THAT(f.reply(), StartsWith("250-mx.here.test"));
        CHECK(f.say("AUTH PLAIN") == "502 5.5.1 Error: command not implemented");
        CHECK(f.say("MAIL FROM:<a@b.test>") == "250 2.1.0 Ok");
        CHECK(f.say("RCPT TO:<user@here.test>") == "550 5.5.1 Protocol error");
        CHECK(f.say("DATA") == "554 5.5.1 Error: no valid recipients");
        CHECK(f.backend.asked.empty());
    }
    CHECK(true);
}

TEST_CASE("lists are weighed", "[smtpd]") {
    const std::string lists =
        "postscreen_dnsbl_sites = bad.test=127.0.0.[2..4]*2, worse.test*3, good.test*-5\n"
        "postscreen_dnsbl_threshold = 3\n"
        "postscreen_dnsbl_allowlist_threshold = -1\n"
        "postscreen_dnsbl_reply_map = inline:{x=y}\n";
    SECTION("below the threshold") {
        Fixture f(kOn + lists + "postscreen_dnsbl_action = drop\n");
        listed(f, "bad.test", "127.0.0.3");
        CHECK_THAT(patient(f), StartsWith("220 "));
        CHECK(f.backend.known["127.0.0.1"].dnsbl > 0);
    }
    SECTION("at the threshold") {
        Fixture f(kOn + lists + "postscreen_dnsbl_action = drop\n");
        listed(f, "worse.test", "127.0.0.9");
        f.backend.access_table["worse.test"] = "list.test";
        CHECK(patient(f) ==
              "521 5.7.1 Service unavailable; client [127.0.0.1] blocked using list.test");
        CHECK(f.backend.known["127.0.0.1"].dnsbl == 0);
    }
    SECTION("where an answer is not among the filter's") {
        Fixture f(kOn + lists + "postscreen_dnsbl_action = drop\npostscreen_dnsbl_threshold = 1\n");
        listed(f, "bad.test", "127.0.0.9");
        CHECK_THAT(patient(f), StartsWith("220 "));
    }
    SECTION("and refused at RCPT") {
        Fixture f(kOn + lists + "postscreen_dnsbl_action = enforce\n");
        listed(f, "worse.test", "127.0.0.9");
        CHECK_THAT(patient(f), StartsWith("220 "));
        CHECK(f.dialogue({"EHLO a.test", "MAIL FROM:<a@b.test>", "RCPT TO:<user@here.test>"}) ==
              "550 5.7.1 Service unavailable; client [127.0.0.1] blocked using worse.test");
    }
    SECTION("and a good score ends the wait and all tests") {
        Fixture f(kOn + lists + "postscreen_bare_newline_enable = yes\n");
        listed(f, "good.test", "127.0.0.2");
        f.connect();
        f.reply_line();
        CHECK_THAT(f.reply(), StartsWith("220 "));
        CHECK(f.backend.known["127.0.0.1"].bare_newline > 0);
    }
}

TEST_CASE("the access list decides before the tests", "[smtpd]") {
    SECTION("for a client") {
        Fixture f(kOn + "postscreen_access_list = cidr:x\n");
        f.backend.access_table["127.0.0.1"] = "permit";
        f.connect();
        CHECK_THAT(f.reply(), StartsWith("220 mx"));
        CHECK(f.backend.known.empty());
    }
    SECTION("against it") {
        Fixture f(kOn + "postscreen_access_list = cidr:x\npostscreen_denylist_action = drop\n");
        f.backend.access_table["127.0.0.1"] = "reject";
        f.connect();
        CHECK(f.reply() == "521 5.3.2 Service currently unavailable");
    }
    SECTION("neither") {
        Fixture f(kOn +
                  "postscreen_access_list = cidr:x, reject\npostscreen_denylist_action = drop\n");
        f.backend.access_table["127.0.0.1"] = "dunno";
        f.connect();
        CHECK(f.reply() == "521 5.3.2 Service currently unavailable");
    }
}

TEST_CASE("deep tests look at what a client says until RCPT", "[smtpd]") {
    const std::string deep = kOn +
                             "postscreen_pipelining_enable = yes\n"
                             "postscreen_non_smtp_command_enable = yes\n"
                             "postscreen_bare_newline_enable = yes\n";
    SECTION("a client that keeps the rules goes on") {
        Fixture f(deep);
        patient(f);
        CHECK(f.say("EHLO a.test").find("PIPELINING") == std::string::npos);
        CHECK(f.dialogue({"MAIL FROM:<a@b.test>", "RCPT TO:<user@here.test>"}) == "250 2.1.5 Ok");
        CHECK(f.backend.known["127.0.0.1"].pipelining > 0);
        CHECK(f.backend.known["127.0.0.1"].bare_newline > 0);
    }
    SECTION("pipelining is enforced by default") {
        Fixture f(deep);
        patient(f);
        f.send("EHLO a.test\r\nMAIL FROM:<a@b.test>\r\n");
        f.reply();
        f.reply();
        CHECK(f.say("RCPT TO:<user@here.test>") == "550 5.5.1 Protocol error");
        CHECK(f.backend.known["127.0.0.1"].pipelining == 0);
    }
    SECTION("a command of another protocol ends it") {
        Fixture f(deep);
        patient(f);
        CHECK(f.say("GET / HTTP/1.0") == "521 5.7.0 Error: I can break rules, too. Goodbye.");
    }
    SECTION("a bare newline can") {
        Fixture f(deep + "postscreen_bare_newline_action = drop\n");
        patient(f);
        f.send("EHLO a.test\n");
        CHECK(f.reply() == "521 5.5.1 Protocol error");
    }
}

TEST_CASE("a client that was refused has not much time left", "[smtpd]") {
    Fixture f(kOn +
              "postscreen_access_list = reject\npostscreen_denylist_action = enforce\n"
              "postscreen_command_count_limit = 2\n");
    patient(f);
    CHECK_THAT(f.say("EHLO a.test"), StartsWith("250"));
    CHECK(f.say("NOOP") == "250 2.0.0 Ok");
    CHECK(f.say("NOOP") == "421 4.7.0 mx.here.test Error: too many commands");
}

TEST_CASE("there is room for so many tests", "[smtpd]") {
    Fixture f(kOn + "postscreen_client_connection_count_limit = 1\n");
    f.server->screened.enter("127.0.0.1");
    f.connect();
    CHECK(f.reply() == "421 4.7.0 mx.here.test Error: too many connections");
}
