#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "lib/store/exchange/imap_line.h"
#include "lib/store/exchange/mbox.h"
#include "lib/store/exchange/planter.h"
#include "lib/store/maildir/takeover.h"

using namespace facteur::store;
using namespace facteur::store::exchange;

TEST_CASE("From_ lines are told from what looks like them", "[store]") {
    CHECK(parse_from_line("From a@b  Mon Jan  1 00:00:00 2024") == 1704067200);
    CHECK(parse_from_line("From a@b Mon Jan  1 01:00:00 +0100 2024") == 1704067200);
    CHECK(parse_from_line("From \"a b\"@c Mon Jan  1 00:00:00 UTC 2024") == 1704067200);
    CHECK_FALSE(parse_from_line("From here to there"));
    CHECK_FALSE(parse_from_line("From: a@b"));
}

TEST_CASE("an mbox file gives its messages with flags and UIDs", "[store]") {
    MboxReader reader(
        "From a@b Mon Jan  1 00:00:00 2024\nX-IMAPbase: 5 9\nX-UID: 3\nStatus: RO\n"
        "X-Status: AF\nX-Keywords: work  Junk\nSubject: x\n\n>From me\nFrom you\n>>From them\n\n"
        "From c Tue Jan  2 00:00:00 2024\r\nSubject: y\r\n\r\nlast\r\n");
    SourceMessage message;
    REQUIRE(reader.next(message));
    CHECK(message.bytes == "Subject: x\r\n\r\nFrom me\r\nFrom you\r\n>From them\r\n");
    CHECK(message.flags == (seen | answered | flagged));
    CHECK(message.keywords == std::vector<std::string>{"work", "Junk"});
    CHECK(message.uid == 3);
    CHECK(message.internal_date == 1704067200);
    CHECK(reader.uid_validity() == 5);
    CHECK(reader.uid_next() == 10);
    REQUIRE(reader.next(message));
    CHECK(message.bytes == "Subject: y\r\n\r\nlast\r\n");
    CHECK(message.flags == 0);
    CHECK_FALSE(reader.next(message));
}

TEST_CASE("what is written as mbox is read back", "[store]") {
    MboxEntry entry;
    entry.bytes = "Subject: x\r\n\r\nFrom me\r\n>From you\r\nno end";
    entry.flags = seen | deleted | draft;
    entry.keywords = {"one", "two"};
    entry.date = 1704067200;
    entry.uid = 7;
    entry.uid_validity = 11;
    entry.uid_next = 20;
    const std::string text = to_mbox(entry) + to_mbox(MboxEntry{"Subject: z\r\n\r\n", 0, {}, 1, 8});
    MboxReader reader(text);
    SourceMessage message;
    REQUIRE(reader.next(message));
    CHECK(message.bytes == std::string(entry.bytes) + "\r\n");
    CHECK(message.flags == entry.flags);
    CHECK(message.keywords == entry.keywords);
    CHECK(message.internal_date == entry.date);
    CHECK(message.uid == 7);
    CHECK(reader.uid_validity() == 11);
    CHECK(reader.uid_next() == 20);
    REQUIRE(reader.next(message));
    CHECK(message.uid == 8);
    CHECK_FALSE(reader.next(message));
}

TEST_CASE("an IMAP server's lines are taken apart", "[store]") {
    auto line = parse_imap_line(
        "* 3 FETCH (UID 5 FLAGS (\\Seen $X) INTERNALDATE \" 1-Jan-2024 01:00:00 +0100\" BODY[] "
        "{4}\r\na)b\")");
    REQUIRE(line);
    REQUIRE(line->size() == 4);
    const auto& parts = (*line)[3].items;
    REQUIRE(parts.size() == 8);
    CHECK(parts[3].items[1].text == "$X");
    CHECK(parse_internal_date(parts[5].text) == 1704067200);
    CHECK(parts[6].text == "BODY[]");
    CHECK(parts[7].text == "a)b\"");
    CHECK_FALSE(parse_imap_line("* (("));
    CHECK_FALSE(parse_imap_line("* {99}\r\nx"));
    CHECK_FALSE(parse_imap_line("* \"x"));
    CHECK_FALSE(parse_imap_line(std::string(100, '(')));
    CHECK(literal_at_end("a {12}") == 12);
    CHECK(literal_at_end("a {12+}") == 12);
    CHECK_FALSE(literal_at_end("a {x}"));
}

TEST_CASE("IMAP URLs", "[store]") {
    auto server = parse_imap_url("imaps://anna%40example.test@mail.example.test:1993/");
    REQUIRE(server);
    CHECK(server->user == "anna@example.test");
    CHECK(server->host == "mail.example.test");
    CHECK(server->port == 1993);
    CHECK(server->security == ImapServer::Security::tls);
    auto plain = parse_imap_url("imap://anna@example.test@[::1]");
    REQUIRE(plain);
    CHECK(plain->user == "anna@example.test");
    CHECK(plain->host == "::1");
    CHECK(plain->security == ImapServer::Security::starttls);
    CHECK_FALSE(parse_imap_url("http://a@b"));
    CHECK_FALSE(parse_imap_url("imap://b"));
    CHECK_FALSE(parse_imap_url("imap://a@b:99999"));
}

TEST_CASE("planted messages keep their UIDs, and an import goes on", "[store]") {
    char name[] = "/tmp/planter-test-XXXXXX";
    const std::string root = ::mkdtemp(name);
    const std::string dir = root + "/.Work";
    CHECK(Planter::is_free(root, dir));
    SourceMessage message;
    message.bytes = "Subject: x\r\n\r\n";
    message.keywords = {"blue"};
    for (std::uint32_t uid : {4u, 9u}) {
        auto planter = Planter::begin(root, dir, 77, "host.test");
        REQUIRE(planter);
        CHECK(planter->has(4) == (uid == 9));
        message.uid = uid;
        REQUIRE(planter->add(message));
        if (uid == 9) REQUIRE(planter->finish(15));
    }
    CHECK_FALSE(Planter::is_free(root, dir));
    auto legacy = maildir::read_legacy(dir);
    REQUIRE(legacy);
    CHECK(legacy->uid_validity == 77);
    CHECK(legacy->next_uid == 15);
    CHECK(legacy->uids.size() == 2);
    CHECK(legacy->keywords == std::vector<std::string>{"blue"});
    std::filesystem::remove_all(root);
}
