#include "imapd/login_session.h"

#include <catch2/catch.hpp>

#include "imapd/settings.h"
#include "lib/base/encoding.h"
#include "lib/config/load.h"
#include "lib/login/test_daemons.h"

using namespace facteur;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

Task<void> log_in(login::Door& door, Scope& scope, Fd socket) {
    imapd::LoginSession session(door, scope, std::move(socket));
    co_await session.run();
}

struct Stage {
    Loop loop;
    imapd::Settings settings;
    login::TestDaemons daemons{"imap"};
    Scope scope;
    std::unique_ptr<login::Door> door;
    std::unique_ptr<login::TestVisitor> client;

    Stage() {
        conf::load_text(settings, "imapd_tls_security_level = none\nimapd_login_attempts = 4\n");
        door = std::make_unique<login::Door>(scope, settings.login, "imap");
        client = std::make_unique<login::TestVisitor>(
            loop, scope, [this](Fd socket) { return log_in(*door, scope, std::move(socket)); });
        daemons.answer.accepted = true;
        greeting = client->hear("\r\n");
    }
    std::string ask(const std::string& text, const std::string& end = "\r\n") {
        client->say(text);
        return client->hear(end);
    }
    std::string greeting;
};

const std::string kRight = std::string("\0tim\0right", 10);

}  // namespace

TEST_CASE_METHOD(Stage, "the greeting offers what can be used [RFC 3501 7.1]", "[imapd]") {
    CHECK_THAT(greeting, StartsWith("* OK [CAPABILITY IMAP4rev1 "));
    CHECK_THAT(greeting, Contains(" AUTH=PLAIN]") && !Contains("STARTTLS"));
}

TEST_CASE_METHOD(Stage, "a login hands the connection on with what was sent ahead", "[imapd]") {
    client->say("a LOGIN tim right\r\nb NOOP\r\n");
    loop.run_until([&] { return !daemons.connections.empty(); });
    REQUIRE(daemons.opened.size() == 1);
    const ipc::OpenSession& session = daemons.opened.front();
    CHECK(session.user == "tim@here.test");
    CHECK(session.tag == "a");
    CHECK(session.input == "b NOOP\r\n");
    CHECK(session.mail.empty());
    CHECK(daemons.asked.front().service == "imap");
    CHECK(daemons.asked.front().response == kRight);
    // From here on the client hears the mailbox stage alone.
    REQUIRE(::write(daemons.connections.front().get(), "a OK\r\n", 6) == 6);
    CHECK(client->hear("\r\n") == "a OK\r\n");
}

TEST_CASE_METHOD(Stage, "AUTHENTICATE takes its response at once or later [RFC 4959 3]",
                 "[imapd]") {
    std::string encoded = base64_encode(kRight);
    if (GENERATE(true, false)) {
        client->say("a AUTHENTICATE PLAIN " + encoded + "\r\n");
    } else {
        CHECK(ask("a AUTHENTICATE plain\r\n") == "+ \r\n");
        client->say(encoded + "\r\n");
    }
    loop.run_until([&] { return !daemons.connections.empty(); });
    CHECK(daemons.opened.front().user == "tim@here.test");
}

TEST_CASE_METHOD(Stage, "an exchange can be given up and cannot be garbled [RFC 3501 6.2.2]",
                 "[imapd]") {
    CHECK(ask("a AUTHENTICATE PLAIN\r\n") == "+ \r\n");
    CHECK(ask("*\r\n") == "a BAD Error in IMAP command: Authentication aborted by client.\r\n");
    CHECK(ask("b AUTHENTICATE PLAIN\r\n") == "+ \r\n");
    CHECK_THAT(ask("!\r\n"), StartsWith("b BAD "));
    CHECK(daemons.aborted == 2);
    CHECK_THAT(ask("c AUTHENTICATE CRAM-MD5\r\n"), StartsWith("c NO [CANNOT] "));
    CHECK_THAT(ask("d AUTHENTICATE PLAIN !\r\n"), StartsWith("d BAD "));
    CHECK(daemons.opened.empty());
}

TEST_CASE_METHOD(Stage, "what fails is told in response codes [RFC 5530 3]", "[imapd]") {
    CHECK_THAT(ask("a LOGIN tim wrong\r\n"), StartsWith("a NO [AUTHENTICATIONFAILED] "));
    daemons.authd_fails = true;
    CHECK_THAT(ask("b LOGIN tim right\r\n"), StartsWith("b NO [UNAVAILABLE] "));
    daemons.authd_fails = false;
    daemons.answer.accepted = false;
    daemons.answer.reason = "Full.";
    CHECK(ask("c LOGIN tim right\r\n") == "c NO [UNAVAILABLE] Full.\r\n");
    daemons.answer.is_over_limit = true;
    CHECK(ask("d LOGIN tim right\r\ne NOOP\r\n", "e OK NOOP completed.\r\n") ==
          "d NO [LIMIT] Full.\r\ne OK NOOP completed.\r\n");
}

TEST_CASE_METHOD(Stage, "a guesser is sent away", "[imapd]") {
    client->say("a LOGIN tim 1\r\nb LOGIN tim 2\r\nc LOGIN tim 3\r\nd LOGIN tim 4\r\ne NOOP\r\n");
    std::string heard = client->hear("e OK NOOP completed.\r\n");
    CHECK_THAT(heard, Contains("d NO [AUTHENTICATIONFAILED] ") && !Contains("e OK"));
    CHECK_THAT(heard, Catch::Matchers::EndsWith("* BYE Too many failed logins.\r\n"));
    CHECK(daemons.asked.size() == 4);
}
