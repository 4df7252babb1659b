#include "pop3d/login_session.h"

#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "lib/config/load.h"
#include "lib/login/test_daemons.h"
#include "pop3d/settings.h"

using namespace facteur;
using Catch::Matchers::StartsWith;

namespace {

Task<void> log_in(login::Door& door, Scope& scope, Fd socket) {
    pop3d::LoginSession session(door, scope, std::move(socket));
    co_await session.run();
}

struct Stage {
    Loop loop;
    pop3d::Settings settings;
    login::TestDaemons daemons{"pop3"};
    Scope scope;
    std::unique_ptr<login::Door> door;
    std::unique_ptr<login::TestVisitor> client;

    Stage() {
        conf::load_text(settings, "pop3d_tls_security_level = none\n");
        door = std::make_unique<login::Door>(scope, settings.login, "pop3");
        client = std::make_unique<login::TestVisitor>(
            loop, scope, [this](Fd socket) { return log_in(*door, scope, std::move(socket)); });
        daemons.answer.accepted = true;
        CHECK_THAT(client->hear("\r\n"), StartsWith("+OK "));
    }
    std::string ask(const std::string& text, const std::string& end = "\r\n") {
        client->say(text);
        return client->hear(end);
    }
};

}  // namespace

TEST_CASE_METHOD(Stage, "USER and PASS hand the connection on [RFC 1939 7]", "[pop3d]") {
    CHECK(ask("USER tim\r\n") == "+OK\r\n");
    client->say("PASS right\r\nSTAT\r\n");
    loop.run_until([&] { return !daemons.connections.empty(); });
    CHECK(daemons.opened.front().user == "tim@here.test");
    CHECK(daemons.opened.front().input == "STAT\r\n");
    CHECK(daemons.asked.front().service == "pop3");
}

TEST_CASE_METHOD(Stage, "AUTH takes its response at once or later [RFC 5034 4]", "[pop3d]") {
    std::string encoded = base64_encode(std::string("\0tim\0right", 10));
    if (GENERATE(true, false)) {
        client->say("AUTH PLAIN " + encoded + "\r\n");
    } else {
        CHECK(ask("AUTH plain\r\n") == "+ \r\n");
        client->say(encoded + "\r\n");
    }
    loop.run_until([&] { return !daemons.connections.empty(); });
    CHECK(daemons.opened.size() == 1);
}

TEST_CASE_METHOD(Stage, "what fails is told in response codes [RFC 3206 4]", "[pop3d]") {
    CHECK_THAT(ask("PASS right\r\n"), StartsWith("-ERR No username"));
    CHECK_THAT(ask("USER tim\r\nPASS wrong\r\n", "failed.\r\n"), StartsWith("+OK\r\n-ERR [AUTH] "));
    daemons.authd_fails = true;
    CHECK_THAT(ask("USER tim\r\nPASS right\r\n", "failure.\r\n"),
               StartsWith("+OK\r\n-ERR [SYS/TEMP] "));
    daemons.authd_fails = false;
    daemons.answer.accepted = false;
    daemons.answer.reason = "Full.";
    CHECK(ask("USER tim\r\nPASS right\r\n", "Full.\r\n") == "+OK\r\n-ERR [SYS/TEMP] Full.\r\n");
    daemons.answer.is_over_limit = true;
    CHECK(ask("USER tim\r\nPASS right\r\n", "Full.\r\n") == "+OK\r\n-ERR [IN-USE] Full.\r\n");
    CHECK(ask("QUIT\r\n") == "+OK Logging out\r\n");
}
