#include "tools/facteur/sendmail_server.h"

#include <sstream>
#include <vector>

#include <catch2/catch.hpp>
#include <sysexits.h>

#include "lib/base/text.h"

using namespace facteur;
using namespace facteur::tool;

namespace {

struct Talk {
    StandaloneServer server;
    std::vector<spool::Envelope> envelopes;
    std::vector<std::string> contents;
    int status = EX_OK;

    Talk() {
        server.hostname = "mx.test";
        server.mail_name = "Facteur";
        server.size_limit = 100;
        server.recipient_limit = 2;
        server.submit = [this](const spool::Envelope& envelope, std::string_view content) {
            envelopes.push_back(envelope);
            contents.emplace_back(content);
            return status;
        };
    }
    /// The codes of all replies, a space apart.
    std::string say(const std::string& lines) {
        std::istringstream in(lines);
        std::ostringstream out;
        server.serve(in, out);
        std::string codes;
        const std::string said = out.str();
        for (std::string_view line : split(said, '\n')) {
            if (line.size() < 4 || line[3] == '-') continue;
            codes.append(codes.empty() ? "" : " ").append(line.substr(0, 3));
        }
        return codes;
    }
};

}  // namespace

TEST_CASE("sendmail -bs takes messages [RFC 5321 4.1.1]", "[facteur]") {
    Talk talk;
    CHECK(talk.say("EHLO me\r\nMAIL FROM:<a@b.test> RET=HDRS ENVID=x\r\n"
                   "RCPT TO:<c@d.test> NOTIFY=NEVER\r\nDATA\r\n..dot\r\nline\r\n.\r\nQUIT\r\n") ==
          "220 250 250 250 354 250 221");
    REQUIRE(talk.envelopes.size() == 1);
    CHECK(talk.envelopes[0].sender == "a@b.test");
    CHECK(talk.envelopes[0].ret == spool::Ret::headers);
    CHECK(talk.envelopes[0].envid == "x");
    CHECK(talk.envelopes[0].recipients[0].notify == spool::notify_never);
    CHECK(talk.contents[0] == ".dot\nline\n");
}

TEST_CASE("sendmail -bs refuses what is wrong", "[facteur]") {
    auto [lines, codes] = GENERATE(table<std::string, std::string>({
        {"MAIL FROM:<a@b.test>\n", "220 503"},
        {"HELO\n", "220 501"},
        {"HELO me\nRCPT TO:<a@b.test>\n", "220 250 503"},
        {"HELO me\nMAIL FROM:<>\nMAIL FROM:<>\n", "220 250 250 503"},
        {"HELO me\nMAIL FROM:<>\nRCPT TO:<>\nDATA\n", "220 250 250 501 554"},
        {"HELO me\nMAIL FROM:<> SIZE=101\n", "220 250 552"},
        {"HELO me\nMAIL FROM:<> AUTH=<>\n", "220 250 501"},
        {"HELO me\nMAIL FROM:<>\nRCPT TO:<a@b>\nRCPT TO:<b@b>\nRCPT TO:<c@b>\n",
         "220 250 250 250 250 452"},
        {"HELO me\nMAIL FROM:<>\nRCPT TO:<a@b>\nDATA\nhalf", "220 250 250 250 354 421"},
        {"HELO me\nMAIL FROM:<>\nRCPT TO:<a@b>\nDATA\n" + std::string(101, 'x') + "\n.\nNOOP\n",
         "220 250 250 250 354 552 250"},
        {"HELP\nVRFY a\nNOOP\nRSET\nWHAT\n" + std::string(5000, 'y') + "\n",
         "220 214 252 250 250 500 500"},
    }));
    INFO(lines);
    Talk talk;
    CHECK(talk.say(lines) == codes);
    CHECK(talk.envelopes.empty());
}

TEST_CASE("sendmail -bs tells when the queue is full", "[facteur]") {
    Talk talk;
    talk.status = EX_TEMPFAIL;
    CHECK(talk.say("HELO me\nMAIL FROM:<>\nRCPT TO:<a@b>\nDATA\nx\n.\n") ==
          "220 250 250 250 354 451");
}
