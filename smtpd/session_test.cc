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

}  // namespace

TEST_CASE("the greeting names the host", "[smtpd]") {
    Fixture f;
    f.connect();
    CHECK(f.reply() == "220 mx.here.test ESMTP Facteur");
    CHECK(f.say("QUIT") == "221 2.0.0 Bye");
    CHECK(f.farewell().empty());
}

TEST_CASE("EHLO offers what the settings allow", "[smtpd]") {
    struct Row {
        std::string main_cf, has, has_not;
    };
    const Row row = GENERATE(values<Row>({
        {"", "250-PIPELINING\r\n250-SIZE 10240000\r\n", "STARTTLS"},
        {"",
         "250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250-CHUNKING\r\n250 LIMITS "
         "RCPTMAX=1000",
         "AUTH"},
        {"smtpd_tls_security_level = may\n", "250-STARTTLS", "AUTH"},
        {"smtpd_sasl_auth_enable = yes\n", "250-AUTH PLAIN", "STARTTLS"},
        {"smtpd_sasl_auth_enable = yes\nsmtpd_tls_auth_only = yes\n", "250", "AUTH"},
        {"smtpd_sasl_auth_enable = yes\nsmtpd_sasl_exceptions_networks = 127.0.0.0/8\n", "250",
         "AUTH"},
        {"smtputf8_enable = yes\n", "250-SMTPUTF8", "AUTH"},
        {"smtpd_discard_ehlo_keywords = chunking, DSN, limits\n", "250 8BITMIME", "DSN"},
        {"disable_vrfy_command = yes\n", "250", "VRFY"},
        {"disable_expn_command = yes\n", "250", "EXPN"},
    }));
    INFO(row.main_cf);
    Fixture f(row.main_cf);
    f.connect();
    f.reply();
    const std::string reply = f.say(kHello);
    CHECK_THAT(reply, StartsWith("250-mx.here.test\r\n"));
    CHECK_THAT(reply, Contains(row.has));
    CHECK_THAT(reply, !Contains(row.has_not));
}

TEST_CASE("EXPN tells who is behind a list, where it is switched on", "[smtpd]") {
    Fixture f("disable_expn_command = no\n");
    f.connect();
    f.reply();
    CHECK_THAT(f.say(kHello), Contains("-EXPN\r\n"));
    CHECK(f.say("EXPN <user@here.test>") ==
          "250-2.1.5 <anna@here.test>\r\n250 2.1.5 <\"a b\"@else.test>");
    CHECK(f.say("EXPN anna@here.test") == "550 5.1.1 That is no mailing list: anna@here.test");
    CHECK_THAT(f.say("EXPN nobody@here.test"), StartsWith("550 5.1.1"));
    CHECK_THAT(f.say("EXPN x@else.test"), StartsWith("454 4.7.1"));
    CHECK(f.say("EXPN") == "501 5.5.4 Syntax: EXPN list");
    CHECK(f.say("EXPN <a") == "501 5.1.3 Bad recipient address syntax");
    CHECK(f.say("MAIL FROM:<-x@else.test>") == "501 5.1.7 Bad sender address syntax");
}

TEST_CASE("each command answers as RFC 5321 says, in order and out of it", "[smtpd]") {
    struct Row {
        std::vector<std::string> lines;
        std::string reply;
    };
    const Row row = GENERATE(values<Row>({
        {{"HELO"}, "501 Syntax: HELO hostname"},
        {{"EHLO"}, "501 Syntax: EHLO hostname"},
        {{"HELO a.test"}, "250 mx.here.test"},
        {{"FOO"}, "500 5.5.2 Error: command not recognized"},
        {{""}, "500 5.5.2 Error: bad syntax"},
        {{"NO\x01OP"}, "500 5.5.2 Error: bad syntax"},
        {{"NOOP \xFF"}, "500 5.5.2 Error: bad UTF-8 syntax"},
        {{"NOOP"}, "250 2.0.0 Ok"},
        {{"noop whatever"}, "250 2.0.0 Ok"},
        {{"RSET"}, "250 2.0.0 Ok"},
        {{"RSET now"}, "501 5.5.4 Syntax: RSET"},
        {{"VRFY user@here.test"}, "252 2.0.0 user@here.test"},
        {{"VRFY nobody@here.test"},
         "550 5.1.1 <nobody@here.test>: Recipient address rejected: User unknown in local "
         "recipient table"},
        {{"VRFY a@else.test"}, "454 4.7.1 <a@else.test>: Relay access denied"},
        {{"VRFY"}, "501 5.5.4 Syntax: VRFY address"},
        {{"EXPN user@here.test"}, "502 5.5.1 Error: command not implemented"},
        {{"HELP"},
         "214 2.0.0 Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY ETRN HELP "
         "QUIT"},
        {{"GET / HTTP/1.1"}, "221 2.7.0 Error: I can break rules, too. Goodbye."},
        {{kRcpt}, "503 5.5.1 Error: need MAIL command"},
        {{"DATA"}, "503 5.5.1 Error: need RCPT command"},
        {{kHello, kMail}, "250 2.1.0 Ok"},
        {{kMail}, "250 2.1.0 Ok"},
        {{kHello, kMail, kMail}, "503 5.5.1 Error: nested MAIL command"},
        {{kHello, kMail, "RSET", kMail}, "250 2.1.0 Ok"},
        {{kHello, kMail, kHello, kRcpt}, "503 5.5.1 Error: need MAIL command"},
        {{kHello, kMail, "DATA"}, "554 5.5.1 Error: no valid recipients"},
        {{kHello, kMail, "DATA x"}, "501 5.5.4 Syntax: DATA"},
        {{kHello, kMail, kRcpt}, "250 2.1.5 Ok"},
        {{kHello, kMail, kRcpt, "AUTH PLAIN"}, "503 5.5.1 Error: authentication not enabled"},
        {{kHello, "STARTTLS"}, "502 5.5.1 Error: command not implemented"},
        {{kHello, kMail, "BDAT 0 LAST"}, "554 5.5.1 Error: no valid recipients"},
        {{kHello, "BDAT 0"}, "503 5.5.1 Error: need RCPT command"},
        {{kHello, kMail, kRcpt, "BDAT 0", kRcpt}, "503 5.5.1 Error: RCPT after BDAT"},
        {{kHello, kMail, kRcpt, "BDAT 0", "DATA"}, "503 5.5.1 Error: DATA after BDAT"},
        {{kHello, kMail, kRcpt, "BDAT"}, "501 5.5.4 Syntax: BDAT count [LAST]"},
        {{std::string(3000, 'a')}, "500 5.5.2 Error: line too long"},
    }));
    INFO(row.lines.back().substr(0, 80));
    Fixture f;
    f.connect();
    f.reply();
    CHECK(f.dialogue(row.lines) == row.reply);
}

TEST_CASE("MAIL and RCPT check path and parameters", "[smtpd]") {
    struct Row {
        std::string line, reply;
    };
    const Row row = GENERATE(values<Row>({
        {"MAIL", "501 5.5.4 Syntax: MAIL FROM:<address>"},
        {"MAIL TO:<a@b>", "501 5.5.4 Syntax: MAIL FROM:<address>"},
        {"MAIL FROM:<a b@c>", "501 5.1.7 Bad sender address syntax"},
        {"MAIL FROM:<>", "250 2.1.0 Ok"},
        {"mail from: a@b.test", "250 2.1.0 Ok"},
        {"MAIL FROM:<a@b.test> SIZE=10240001", "552 5.3.4 Message size exceeds fixed limit"},
        {"MAIL FROM:<a@b.test> SIZE=10240000", "250 2.1.0 Ok"},
        {"MAIL FROM:<a@b.test> SIZE=x", "501 5.5.4 Bad message size syntax"},
        {"MAIL FROM:<a@b.test> FOO=x", "555 5.5.4 Unsupported option: FOO"},
        {"MAIL FROM:<a@b.test> SMTPUTF8", "555 5.5.4 Unsupported option: SMTPUTF8"},
        {"MAIL FROM:<a@b.test> BODY=8BITMIME RET=HDRS ENVID=x", "250 2.1.0 Ok"},
        {"MAIL FROM:<\xC3\xA4@b.test>", "501 5.1.7 Bad sender address syntax"},
        {"RCPT", "501 5.5.4 Syntax: RCPT TO:<address>"},
        {"RCPT TO:<>", "501 5.1.3 Bad recipient address syntax"},
        {"RCPT TO:<a@b", "501 5.1.3 Bad recipient address syntax"},
        {"RCPT TO:<postmaster>", "250 2.1.5 Ok"},
        {"RCPT TO:<user@here.test> NOTIFY=NEVER ORCPT=rfc822;a@b", "250 2.1.5 Ok"},
        {"RCPT TO:<user@here.test> NOTIFY=SOMETIMES", "501 5.5.4 Bad NOTIFY parameter syntax"},
        {"RCPT TO:<\"a b\"@here.test>", "250 2.1.5 Ok"},
        {"RCPT TO:<@else.test:user@here.test>", "250 2.1.5 Ok"},
        {"RCPT TO:<a@slow.test>", "451 4.3.0 <a@slow.test>: Temporary lookup failure"},
        {"RCPT TO:<a@else.test>", "454 4.7.1 <a@else.test>: Relay access denied"},
        {"RCPT TO:<a@relay.test>", "250 2.1.5 Ok"},
        {"RCPT TO:<a%else.test@relay.test>",
         "454 4.7.1 <a%else.test@relay.test>: Relay access denied"},
        {"RCPT TO:<\"a@else.test\"@relay.test>",
         "454 4.7.1 <\"a@else.test\"@relay.test>: Relay access denied"},
        {"RCPT TO:<nobody@virtual.test>",
         "550 5.1.1 <nobody@virtual.test>: Recipient address rejected: User unknown in virtual "
         "mailbox table"},
    }));
    INFO(row.line);
    Fixture f;
    f.connect();
    f.reply();
    f.say(kHello);
    if (row.line.starts_with("RCPT")) f.say(kMail);
    CHECK(f.say(row.line) == row.reply);
}

TEST_CASE("SMTPUTF8 is accepted when it is enabled and declared [RFC 6531]", "[smtpd]") {
    Fixture f("smtputf8_enable = yes\n");
    f.connect();
    f.reply();
    f.say(kHello);
    CHECK(f.say("MAIL FROM:<\xC3\xA4@b.test>") ==
          "553 5.6.7 Must declare SMTPUTF8 to send unicode address");
    CHECK(f.say("MAIL FROM:<\xC3\xA4@b.test> SMTPUTF8") == "250 2.1.0 Ok");
    CHECK(f.dialogue({kRcpt, "DATA", "hello\r\n."}).substr(0, 3) == "250");
    REQUIRE(f.backend.taken.size() == 1);
    CHECK(f.backend.taken[0].message.smtputf8);
    CHECK(f.backend.taken[0].message.protocol == "UTF8SMTP");
}

TEST_CASE("a pipelined group is answered in order, with the questions asked ahead [RFC 2920]",
          "[smtpd]") {
    Fixture f;
    f.connect();
    f.reply();
    f.say(kHello);
    f.send(
        "MAIL FROM:<from@else.test>\r\nRCPT TO:<user@here.test>\r\nRCPT TO:<nobody@here.test>"
        "\r\nRCPT TO:<anna@here.test>\r\nDATA\r\n");
    CHECK(f.reply() == "250 2.1.0 Ok");
    CHECK(f.reply() == "250 2.1.5 Ok");
    CHECK(f.reply().substr(0, 9) == "550 5.1.1");
    CHECK(f.reply() == "250 2.1.5 Ok");
    CHECK(f.reply() == "354 End data with <CR><LF>.<CR><LF>");
    CHECK(f.backend.expected ==
          std::vector<std::string>{"user@here.test", "nobody@here.test", "anna@here.test"});
    const std::string queued = f.say(".");
    CHECK(queued == "250 2.0.0 Ok: queued as " + f.backend.taken.at(0).message.queue_id);
}

TEST_CASE("AUTH lets in who knows the password [RFC 4954]", "[smtpd]") {
    using namespace std::string_literals;
    const std::string right = base64_encode("\0anna\0secret"s);
    const std::string wrong = base64_encode("\0anna\0wrong"s);
    Fixture f("smtpd_sasl_auth_enable = yes\nsmtpd_sasl_authenticated_header = yes\n");
    f.connect();
    f.reply();
    f.say(kHello);
    SECTION("refusals") {
        CHECK(f.say("AUTH") == "501 5.5.4 Syntax: AUTH mechanism");
        CHECK(f.say("AUTH PLAIN !") == "501 5.5.2 Cannot decode response");
        CHECK(f.say("AUTH PLAIN " + wrong) ==
              "535 5.7.8 Error: authentication failed: authentication failure");
        CHECK(f.say("AUTH LOGIN") == "334 VXNlcm5hbWU6");
        CHECK(f.say("*") == "501 5.7.0 Authentication aborted");
        CHECK(f.backend.aborted == std::vector<std::uint64_t>{7});
        f.say(kMail);
        CHECK(f.say("AUTH PLAIN " + right) == "503 5.5.1 Error: MAIL transaction in progress");
        f.say("RSET");
        CHECK(f.dialogue({"HELO a", "AUTH PLAIN " + right}) == "503 5.5.1 Error: send EHLO first");
    }
    SECTION("initial response, relaying, trace") {
        CHECK(f.say("AUTH plain " + right) == "235 2.7.0 Authentication successful");
        CHECK(f.say("AUTH PLAIN " + right) == "503 5.5.1 Error: already authenticated");
        CHECK(f.dialogue({kMail, "RCPT TO:<a@else.test>"}) == "250 2.1.5 Ok");
        f.dialogue({"DATA", "Subject: x\r\n\r\nhello\r\n."});
        REQUIRE(f.backend.taken.size() == 1);
        CHECK(f.backend.taken[0].message.login == "anna");
        CHECK(f.backend.taken[0].message.protocol == "ESMTPA");
        CHECK_THAT(f.backend.taken[0].content, Contains("\r\n\t(Authenticated sender: anna)"));
    }
    SECTION("challenges") {
        CHECK(f.say("AUTH LOGIN") == "334 VXNlcm5hbWU6");
        CHECK(f.say(base64_encode("anna")) == "334 UGFzc3dvcmQ6");
        CHECK(f.say(base64_encode("secret")) == "235 2.7.0 Authentication successful");
    }
}
