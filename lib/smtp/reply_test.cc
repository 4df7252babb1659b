#include "lib/smtp/reply.h"

#include <catch2/catch.hpp>

#include "lib/smtp/command.h"
#include "lib/smtp/header_scan.h"
#include "lib/smtp/status.h"

using namespace facteur;
using namespace facteur::smtp;

TEST_CASE("a reply repeats code and status on each line [RFC 2034 4]", "[smtp]") {
    CHECK(to_wire({550, "5.1.1", "one\ntwo"}) == "550-5.1.1 one\r\n550 5.1.1 two\r\n");
    CHECK(to_wire({250, "", "PIPELINING\nHELP"}) == "250-PIPELINING\r\n250 HELP\r\n");
    CHECK(to_wire({354, "", ""}) == "354 \r\n");
    CHECK(to_wire({550, "", "a\r\r\nb"}) == "550-a\r\n550 b\r\n");
    CHECK(to_line({550, "5.1.1", "one\ntwo"}) == "550 5.1.1 one two");
}

TEST_CASE("a client puts the lines of a reply together [RFC 5321 4.2.1]", "[smtp]") {
    ReplyReader reader;
    CHECK(*reader.add("550-5.1.1 one") == false);
    CHECK(*reader.add("550 5.1.1 two") == true);
    CHECK(reader.take() == Reply{550, "5.1.1", "one\ntwo"});
    CHECK(*reader.add("250-mail.example Hello") == false);
    CHECK(*reader.add("250-") == false);
    CHECK(*reader.add("250 SIZE 5") == true);
    CHECK(reader.take() == Reply{250, "", "mail.example Hello\n\nSIZE 5"});
    CHECK(*reader.add("354") == true);
    CHECK(reader.take() == Reply{354, "", ""});
    CHECK(*reader.add("450 5.1.1 class and code disagree") == true);
    CHECK(reader.take() == Reply{450, "", "5.1.1 class and code disagree"});
}

TEST_CASE("a client refuses what is no reply and what has no end", "[smtp]") {
    for (const std::string_view bad : {"", "25", "2x0 a", "250a", "199 a", "600 a", "+OK"}) {
        ReplyReader reader;
        CHECK_FALSE(reader.add(bad));
    }
    ReplyReader reader;
    for (std::size_t i = 0; i < ReplyReader::kMaxLines; ++i)
        REQUIRE(reader.add("250-" + std::string(1000, 'a')));
    CHECK_FALSE(reader.add("250-a"));
    CHECK(reader.take().text.size() <= ReplyReader::kMaxText);
}

TEST_CASE("status codes are recognized [RFC 3463 2]", "[smtp]") {
    for (const std::string_view good : {"2.0.0", "4.7.128", "5.999.999"})
        CHECK(is_status(good));
    for (const std::string_view bad :
         {"", "2.0", "3.0.0", "2.0.0.", "2..0", "2.0.", "5.1000.0", "5.0.1000", "25.0.0", "2.0.0 "})
        CHECK_FALSE(is_status(bad));
}

TEST_CASE("a command line is split in verb and arguments", "[smtp]") {
    CHECK(split_command("MAIL FROM:<a@b>").arguments == "FROM:<a@b>");
    CHECK(split_command("quit").verb == "quit");
    CHECK(split_command("").verb.empty());
    CHECK(split_command(" NOOP  x ").arguments == "x");
    std::string_view arguments = "from : <a>";
    CHECK(take_keyword(arguments, "FROM:"));
    CHECK(arguments == " <a>");
    arguments = "from : <a>";
    CHECK_FALSE(take_keyword(arguments, "FROM:", true));
    arguments = "TO:<a>";
    CHECK_FALSE(take_keyword(arguments, "FROM:"));
}

TEST_CASE("BDAT has a size and perhaps LAST [RFC 3030 2]", "[smtp]") {
    CHECK(parse_chunk("86")->size == 86);
    CHECK_FALSE(parse_chunk("86")->last);
    CHECK(parse_chunk("0 last")->last);
    for (const std::string_view bad : {"", "x", "-1", "1 x", "1 LAST x", "18446744073709551616"})
        CHECK_FALSE(parse_chunk(bad));
}

TEST_CASE("the header is scanned whatever the blocks are", "[smtp]") {
    const std::string content =
        "Received: a\r\n\tby b\r\n Received: folded\r\nreceived:c\r\nX-Received: d\r\n"
        "Date : now\r\nFrom: a\r\nSubject: To: x\r\nCC: b\r\n\r\nMessage-ID: body\r\nReceived: e";
    for (std::size_t block = 1; block <= content.size(); ++block) {
        HeaderScan scan;
        for (std::size_t at = 0; at < content.size(); at += block)
            scan.scan(std::string_view(content).substr(at, block));
        INFO("blocks of " << block);
        CHECK(scan.done());
        CHECK(scan.received == 2);
        CHECK(scan.has_date);
        CHECK(scan.has_from);
        CHECK(scan.has_recipient);
        CHECK_FALSE(scan.has_message_id);
    }
}

TEST_CASE("a content that begins with no header field has none", "[smtp]") {
    for (const std::string_view content :
         {"\r\nDate: x\r\n", "\nDate: x\n", ": x\r\nDate: x\r\n", "hello\r\nDate: x\r\n"}) {
        HeaderScan scan;
        scan.scan(content);
        INFO(content);
        CHECK(scan.done());
        CHECK_FALSE(scan.has_date);
    }
}
