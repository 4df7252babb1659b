#include "imapd/test_client.h"
#include "lib/net/deflate.h"

using namespace facteur;
using namespace facteur::imapd;

TEST_CASE_METHOD(Fixture, "several messages come together or not at all [RFC 3502 6.3.11]",
                 "[imapd]") {
    std::string said = talk(
        "a APPEND INBOX (\\Seen) {3+}\r\none (\\Draft) {3+}\r\ntwo\r\n"
        "b APPEND INBOX {3+}\r\none (\\Bad) {3+}\r\ntwo\r\n"
        "c APPEND INBOX {3+}\r\none {0+}\r\n\r\nd STATUS INBOX (MESSAGES)\r\n");
    CHECK_THAT(said, Contains("a OK [APPENDUID 1000 1:2] "));
    CHECK_THAT(said, Contains("b BAD ") && Contains("c NO ") && Contains("(MESSAGES 2)\r\nd OK"));
}

TEST_CASE_METHOD(Fixture, "the limits of APPEND hold for all its messages together", "[imapd]") {
    (void)conf::load_text(settings,
                          "imapd_append_limit = 1024\nimapd_append_command_limit = 1500\n"
                          "imapd_append_messages_limit = 2\n");
    std::string kilo(1024, 'x');
    std::string said = talk("a APPEND INBOX {1024+}\r\n" + kilo + " {1024+}\r\n" + kilo +
                            "\r\nb APPEND INBOX {1+}\r\nx {1+}\r\nx {1+}\r\nx\r\n"
                            "c APPEND INBOX CATENATE (TEXT {1024+}\r\n" +
                            kilo + " TEXT {1+}\r\nx)\r\nd STATUS INBOX (MESSAGES)\r\n");
    CHECK_THAT(said, Contains("a NO [TOOBIG] ") && Contains("b NO [LIMIT] "));
    CHECK_THAT(said, Contains("c NO [TOOBIG] ") && Contains("(MESSAGES 0)\r\nd OK"));
}

TEST_CASE_METHOD(Fixture, "messages are made of pieces of others [RFC 4469 3]", "[imapd]") {
    store.deliver("INBOX", "Subject: a\r\n\r\nbody");
    auto [parts, expected] = GENERATE(table<std::string, std::string>({
        {"URL \"/INBOX;UIDVALIDITY=1000/;UID=1\"", "Subject: a\r\n\r\nbody"},
        {"URL /INBOX/;UID=1/;SECTION=HEADER TEXT {3+}\r\nnew", "Subject: a\r\n\r\nnew"},
        {"TEXT {2+}\r\nx: URL \"/inbox/;uid=1/;section=TEXT/;partial=1.2\"", "x:od"},
        {"URL {12+}\r\n/INBOX/;UID=1", "Subject: a\r\n\r\nbody"},
        {"URL \"/INBOX;UIDVALIDITY=9/;UID=1\"", "[BADURL /INBOX;UIDVALIDITY=9/;UID=1]"},
        {"URL \"/INBOX/;UID=1/;SECTION=7\"", "[BADURL "},
        {"URL \"imap://elsewhere/INBOX/;UID=1\"", "[BADURL "},
        {"URL \"/INBOX/;UID=2\" TEXT {1+}\r\nx", "[BADURL "},
        {"TEXT {1+}\r\nx URL", "BAD "},
    }));
    INFO(parts);
    std::string said = talk("a APPEND INBOX CATENATE (" + parts +
                            ")\r\nb SELECT INBOX\r\nc FETCH * BODY.PEEK[]\r\n");
    CHECK_THAT(said, Contains(expected));
    CHECK_THAT(said, Contains("c OK"));
}

TEST_CASE_METHOD(Fixture, "binary messages come and go [RFC 3516 4]", "[imapd]") {
    std::string message = "Content-Transfer-Encoding: binary\r\n\r\na";
    message += std::string("\0b", 2);
    std::string said =
        talk("a APPEND INBOX ~{" + std::to_string(message.size()) + "+}\r\n" + message +
             "\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[1]\r\nd FETCH 1 BINARY.PEEK[1]\r\n"
             "e FETCH 1 BINARY.SIZE[1]\r\nf FETCH 1 BINARY.PEEK[2]\r\n");
    CHECK_THAT(said, Contains("a OK [APPENDUID 1000 1] ") && Contains("BODY[1] {6}\r\nYQBi\r\n)"));
    CHECK_THAT(said, Contains("BINARY[1] ~{3}\r\n" + message.substr(message.size() - 3) + ")"));
    CHECK_THAT(said, Contains("BINARY.SIZE[1] 3)") && Contains("BINARY[2] NIL)"));
}

TEST_CASE_METHOD(Fixture, "a message takes another's place [RFC 8508 3]", "[imapd]") {
    store.deliver("INBOX", "old");
    std::string said = talk(
        "a SELECT INBOX\r\nb REPLACE 1 INBOX {3+}\r\nnew\r\nc UID REPLACE 9 INBOX {1+}\r\nx\r\n"
        "d FETCH 1 BODY.PEEK[]\r\n");
    CHECK_THAT(said,
               Contains("* OK [APPENDUID 1000 2] Replacement message ready.\r\n* 1 EXPUNGE\r\n"));
    CHECK_THAT(said, Contains("c NO [NONEXISTENT]") && Contains("BODY[] {3}\r\nnew)"));
}

TEST_CASE_METHOD(Fixture, "both directions are compressed [RFC 4978 3]", "[imapd]") {
    Client client(loop, store, workers, settings);
    client.send("a COMPRESS FOO\r\nb COMPRESS DEFLATE\r\n");
    CHECK_THAT(client.until("b OK"), Contains("a BAD "));
    Deflate deflate;
    client.send(deflate.compress("c NOOP\r\nd COMPRESS DEFLATE\r\ne LOGOUT\r\n"));
    deflate.feed(client.rest());
    std::string said(1000, '\0');
    said.resize(deflate.inflate(said.data(), said.size()));
    CHECK_THAT(said, StartsWith("c OK NOOP completed.\r\nd NO [COMPRESSIONACTIVE] "));
    CHECK_THAT(said, Contains("* BYE Logging out\r\n"));
}
