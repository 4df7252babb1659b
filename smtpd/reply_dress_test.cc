#include "smtpd/reply_dress.h"

#include <catch2/catch.hpp>

#include "smtpd/test_fixture.h"

using namespace facteur;
using namespace facteur::smtpd;
using namespace facteur::smtpd::testing;

namespace {

std::optional<std::string> value(std::string_view name) {
    if (name == "client") return "evil$helo_name[192.0.2.1]";
    return std::nullopt;
}

std::string dressed(const std::string& footer) {
    smtp::Reply reply{550, "5.1.1", "unknown"};
    auto done = add_footer(reply, footer, value);
    return done ? smtp::to_wire(reply) : "error: " + done.error().text;
}

}  // namespace

TEST_CASE("a footer is a line of its own, several, or none", "[smtpd]") {
    CHECK(dressed("call us") == "550-5.1.1 unknown\r\n550 5.1.1 call us\r\n");
    CHECK(dressed("a\\nb") == "550-5.1.1 unknown\r\n550-5.1.1 a\r\n550 5.1.1 b\r\n");
    CHECK(dressed("\\c; call us") == "550 5.1.1 unknown; call us\r\n");
}

TEST_CASE("what a client sent is not expanded again", "[smtpd]") {
    CHECK(dressed("\\c $client") == "550 5.1.1 unknown evil$helo_name[192.0.2.1]\r\n");
}

TEST_CASE("values have only the characters that the filter lets through", "[smtpd]") {
    const Settings settings;
    const CharacterFilter filter(settings.commands.expansion_filter());
    CHECK(filter("a b~\\{}") == "a b~\\{}");
    CHECK(filter("a\x01\xC3\xA9") == "a___");
    CHECK(CharacterFilter("\\141b\\\\")("abc\\") == "ab_\\");
}

TEST_CASE("with soft_bounce nothing is for good", "[smtpd]") {
    Fixture f("soft_bounce = yes\n");
    f.connect();
    f.reply();
    CHECK(f.dialogue({"EHLO c", "MAIL FROM:<a@b.test>", "RCPT TO:<nobody@here.test>"})
              .starts_with("450 4.1.1 "));
}

TEST_CASE("refusals get the footer of the table, else that of the setting", "[smtpd]") {
    Fixture f("smtpd_reject_footer = call $server_name\nsmtpd_reject_footer_maps = texthash:/x\n");
    f.backend.access_table["500 5.5.2 Error: command not recognized"] = "\\c!";
    f.connect();
    f.reply();
    CHECK(f.say("FOO") == "500 5.5.2 Error: command not recognized!");
    CHECK(f.say("RCPT TO:<a@b>") ==
          "503-5.5.1 Error: need MAIL command\r\n503 5.5.1 call mx.here.test");
}

TEST_CASE("a command can be replaced, do nothing, or lose its keyword", "[smtpd]") {
    Fixture f(
        "smtpd_command_filter = texthash:/x\n"
        "smtpd_noop_commands = FROB\n"
        "smtpd_discard_ehlo_keyword_address_maps = texthash:/y\n");
    f.backend.access_table["HELO broken"] = "EHLO mended";
    f.backend.access_table["127.0.0.1"] = "chunking, dsn";
    f.connect();
    f.reply();
    CHECK(f.say("FROB now") == "250 2.0.0 Ok");
    const std::string reply = f.say("HELO broken");
    CHECK(reply.find("PIPELINING") != std::string::npos);
    CHECK(reply.find("CHUNKING") == std::string::npos);
    CHECK(reply.find("DSN") == std::string::npos);
}

TEST_CASE("ETRN asks the queue for what may be asked for [RFC 1985]", "[smtpd]") {
    Fixture f("smtpd_etrn_restrictions = check_etrn_access texthash:/x, permit\n");
    f.backend.access_table["bad.test"] = "REJECT no";
    f.connect();
    f.reply();
    CHECK(f.say("ETRN") == "500 Syntax: ETRN domain");
    f.say("EHLO c");
    CHECK(f.say("ETRN -x") == "501 Error: invalid parameter syntax");
    CHECK(f.say("ETRN bad.test").starts_with("554 5.7.1 <bad.test>: Etrn command rejected: no"));
    CHECK(f.backend.flushed.empty());
    CHECK(f.say("ETRN relay.test") == "250 Queuing started");
    CHECK(f.say("ETRN @relay.test") == "250 Queuing started");
    REQUIRE(f.backend.flushed.size() == 2);
    CHECK(f.backend.flushed[0].domain == "relay.test");
    CHECK_FALSE(f.backend.flushed[0].subdomains);
    CHECK(f.backend.flushed[1].subdomains);
    f.say("MAIL FROM:<a@b.test>");
    CHECK(f.say("ETRN relay.test") == "503 Error: MAIL transaction in progress");
}
