#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "smtpd/test_fixture.h"

using namespace facteur;
using namespace facteur::smtpd::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

const std::string kHello = "EHLO client.test";
const std::string kMail = "MAIL FROM:<from@else.test>";
const std::string kRcpt = "RCPT TO:<user@here.test>";

void server_has_one(Fixture& f) {
    f.server->counts.enter("127.0.0.1");
}

}  // namespace

TEST_CASE("policyd is told who is connected, and all of it when it is new", "[smtpd]") {
    Fixture f(
        "smtpd_client_connection_count_limit = 9\nsmtpd_client_ipv4_prefix_length = 24\n"
        "smtpd_client_message_rate_limit = 7\n");
    f.connect();
    f.reply();
    f.dialogue({"EHLO a", "MAIL FROM:<a@b.test>", "QUIT"});
    f.farewell();
    auto& asked = f.backend.questions;
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].client_key == "127.0.0.0/24");
    CHECK(asked[0].count_limit == 9);
    CHECK(asked[0].connections == 1);
    CHECK(asked[0].rate_limit == 0);
    CHECK(asked[1].rate_limit == 7);
    f.run_until([&] { return f.backend.told.size() == 2; });
    REQUIRE(f.backend.told[0].clients.size() == 1);
    CHECK(f.backend.told[0].clients[0].connections == 0);
    CHECK(f.backend.told[1].clients.empty());
    // Nothing is told twice to the same policyd, and all to another one.
    f.connect();
    f.reply();
    f.scope->spawn(f.server->tell_sessions("", 0));
    f.run_until([&] { return f.backend.told.size() == 3; });
    f.backend.generation = 2;
    f.scope->spawn(f.server->tell_sessions("", 0));
    f.run_until([&] { return f.backend.told.size() == 5; });
    REQUIRE(f.backend.told[4].clients.size() == 1);
    CHECK(f.backend.told[4].clients[0].client_key == "127.0.0.0/24");
    CHECK(f.backend.told[4].clients[0].connections == 1);
    f.say("QUIT");
    f.farewell();
}

TEST_CASE("limits end what goes on too long", "[smtpd]") {
    SECTION("recipients") {
        Fixture f("smtpd_recipient_limit = 2\n");
        f.connect();
        f.reply();
        CHECK(f.dialogue({kHello, kMail, kRcpt, kRcpt, kRcpt}) ==
              "452 4.5.3 Error: too many recipients");
    }
    SECTION("errors") {
        Fixture f("smtpd_hard_error_limit = 3\n");
        f.connect();
        f.reply();
        CHECK(f.dialogue({"FOO", "FOO", "FOO"}) == "500 5.5.2 Error: command not recognized");
        CHECK(f.reply() == "421 4.7.0 mx.here.test Error: too many errors");
        CHECK(f.farewell().empty());
    }
    SECTION("junk commands") {
        Fixture f("smtpd_junk_command_limit = 2\nsmtpd_hard_error_limit = 2\n");
        f.connect();
        f.reply();
        f.dialogue({"NOOP", "NOOP", "NOOP", "NOOP", "NOOP"});
        CHECK(f.reply() == "421 4.7.0 mx.here.test Error: too many errors");
    }
    SECTION("time") {
        Fixture f("smtpd_timeout = 10s\n");
        f.connect();
        f.reply();
        f.say(kHello);
        f.loop.advance(std::chrono::seconds(11));
        CHECK(f.farewell() == "421 4.4.2 mx.here.test Error: timeout exceeded\r\n");
    }
    SECTION("a drip of bytes gets no more time") {
        Fixture f("smtpd_timeout = 10s\n");
        f.connect();
        f.reply();
        for (int i = 0; i < 4 && !f.ended(); ++i) {
            f.send("N");
            int turns = 0;
            f.run_until([&] { return ++turns > 1 || f.ended(); });
            f.loop.advance(std::chrono::seconds(3));
        }
        CHECK(f.farewell() == "421 4.4.2 mx.here.test Error: timeout exceeded\r\n");
    }
    SECTION("connections of one client") {
        Fixture f("smtpd_client_connection_count_limit = 1\n");
        server_has_one(f);
        f.connect();
        CHECK(f.reply() == "421 4.7.0 mx.here.test Error: too many connections from 127.0.0.1");
        f.farewell();
        Fixture spared(
            "smtpd_client_connection_count_limit = 1\n"
            "smtpd_client_event_limit_exceptions = 127.0.0.0/8\n");
        server_has_one(spared);
        spared.connect();
        CHECK(spared.reply().substr(0, 3) == "220");
    }
    SECTION("the process") {
        Fixture f;
        f.connect();
        f.reply();
        f.scope->cancel();
        CHECK(f.farewell() == "421 4.3.2 mx.here.test Service shutting down\r\n");
    }
}

TEST_CASE("a client that talks before its turn is sent away", "[smtpd]") {
    SECTION("after EHLO") {
        Fixture f;
        f.connect();
        f.reply();
        f.send("EHLO a.test\r\nMAIL FROM:<>\r\n");
        CHECK(f.reply() == "554 5.5.0 Error: SMTP protocol synchronization");
        CHECK(f.farewell().empty());
    }
    SECTION("after HELO nothing may be pipelined") {
        Fixture f;
        f.connect();
        f.reply();
        f.say("HELO a.test");
        f.send("MAIL FROM:<>\r\nRCPT TO:<user@here.test>\r\n");
        CHECK(f.reply() == "554 5.5.0 Error: SMTP protocol synchronization");
    }
    SECTION("before the greeting") {
        Fixture f;
        f.connect();
        f.send("EHLO a.test\r\n");
        CHECK(f.reply() == "521 5.5.1 Protocol error");
    }
    SECTION("unless the settings forgive it") {
        Fixture f("smtpd_forbid_unauth_pipelining = no\n");
        f.connect();
        f.send("EHLO a.test\r\nMAIL FROM:<>\r\n");
        CHECK(f.reply().substr(0, 3) == "220");
        CHECK(f.reply().substr(0, 3) == "250");
        CHECK(f.reply() == "250 2.1.0 Ok");
    }
}

TEST_CASE("a command that ends in LF alone is refused from strangers", "[smtpd]") {
    Fixture f;
    f.connect();
    f.reply();
    f.send("EHLO a.test\n");
    CHECK(f.reply() == "550 5.5.2 Error: bare <LF> received");
    f.farewell();
    Fixture trusted("mynetworks = 127.0.0.0/8\n");
    trusted.connect();
    trusted.reply();
    trusted.send("EHLO a.test\n");
    CHECK(trusted.reply().substr(0, 3) == "250");
}

TEST_CASE("policyd can refuse at each moment", "[smtpd]") {
    ipc::PolicyReply refusal;
    refusal.verdict = ipc::Verdict::defer;
    refusal.status = "4.7.0";
    refusal.text = "Slow down";
    Fixture f;
    SECTION("connect") {
        f.backend.policies[ipc::PolicyMoment::connect] = refusal;
        f.connect();
        CHECK(f.reply() == "421 4.7.0 Slow down");
        CHECK(f.farewell().empty());
    }
    SECTION("MAIL and RCPT") {
        f.backend.policies[ipc::PolicyMoment::recipient] = refusal;
        f.connect();
        f.reply();
        CHECK(f.dialogue({kHello, kMail, kRcpt}) == "450 4.7.0 Slow down");
        f.backend.policies[ipc::PolicyMoment::mail] = refusal;
        CHECK(f.dialogue({"RSET", kMail}) == "450 4.7.0 Slow down");
    }
    SECTION("content") {
        f.backend.judgement = refusal;
        f.connect();
        f.reply();
        CHECK(f.mail("hello\r\n.\r\n") == "450 4.7.0 Slow down");
        f.backend.judgement.verdict = ipc::Verdict::quarantine;
        f.backend.judgement.headers = {"X-Spam: yes"};
        f.mail("Subject: a\r\n\r\nhello\r\n.\r\n");
        REQUIRE(f.backend.taken.size() == 1);
        CHECK(f.backend.taken[0].message.hold);
        CHECK_THAT(f.backend.taken[0].content, StartsWith("X-Spam: yes\r\nReceived: from "));
    }
}

TEST_CASE("a server that shuts down says 421 between two messages [RFC 5321 3.8]", "[smtpd]") {
    Fixture f;
    f.connect();
    f.reply();
    f.say(kHello);
    f.scope->spawn(f.server->dismiss_idle());
    int turns = 0;
    SECTION("to a client that is silent") {
        f.run_until([&] { return ++turns > 2; });
        f.loop.advance(std::chrono::seconds(11));
        CHECK(f.farewell() == "421 4.3.2 mx.here.test Service shutting down\r\n");
    }
    SECTION("after the message that is under way") {
        f.dialogue({kMail, kRcpt});
        f.loop.advance(std::chrono::seconds(11));
        f.run_until([&] { return ++turns > 2; });
        CHECK_THAT(f.say("DATA"), StartsWith("354"));
        CHECK_THAT(f.say("hi\r\n."), StartsWith("250 2.0.0 Ok: queued"));
        f.loop.advance(std::chrono::seconds(11));
        CHECK(f.farewell() == "421 4.3.2 mx.here.test Service shutting down\r\n");
        CHECK(f.backend.taken.size() == 1);
    }
}

TEST_CASE("a client that talks on hears the last word all the same", "[smtpd]") {
    Fixture f("smtpd_forbid_unauth_pipelining = no\n");
    f.connect();
    f.reply();
    f.send("QUIT\r\n");
    f.send(std::string(100000, 'x'));  // unread input would make close() a reset
    CHECK(f.farewell() == "221 2.0.0 Bye\r\n");
}
