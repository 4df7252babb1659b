#include "imapd/test_client.h"

using namespace facteur;
using namespace facteur::imapd;

namespace {

const std::string kMessage =
    "From: Tim <tim@here.test>\r\nTo: a@b, c@d\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    "Date: Mon, 2 Mar 2020 23:59:00 -0800\r\nX-Odd: yes\r\n\r\nHello\r\nWorld\r\n";
const std::string kMultipart =
    "Subject: parts\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nfirst\r\n--x\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable"
    "\r\n\r\nl=E4ngst\r\n--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nin\r\n"
    "--x--\r\n";

}  // namespace

TEST_CASE_METHOD(Fixture, "the login is answered with the capabilities", "[imapd]") {
    std::string said = talk("");
    CHECK_THAT(said, StartsWith("a0 OK [CAPABILITY IMAP4rev1 "));
    CHECK_THAT(said, EndsWith("* BYE Logging out\r\nzz OK Logout completed.\r\n"));
}

TEST_CASE_METHOD(Fixture, "what is no command is BAD [RFC 3501 7.1.3]", "[imapd]") {
    auto [line, expected] = GENERATE(table<std::string, std::string>({
        {"a FOO", "a BAD "},
        {"a", "* BAD "},
        {"", "* BAD "},
        {"+ NOOP", "* BAD "},
        {"a FETCH 1 FLAGS", "a BAD Error in IMAP command: No mailbox selected."},
        {"a NOOP x", "a BAD "},
        {"a UID NOOP", "a BAD "},
        {"a LOGIN x y", "a BAD "},
        {"a SELECT", "a BAD "},
        {"a SELECT \"x", "a BAD "},
        {"a STATUS INBOX (FOO)", "a BAD "},
        {"a APPEND INBOX", "a BAD "},
        {"a SELECT " + std::string(70000, 'x'), "a BAD Error in IMAP command: Command line too"},
    }));
    INFO(line.substr(0, 100));
    CHECK_THAT(talk(line + "\r\n"), Contains("\r\n" + expected));
}

TEST_CASE_METHOD(Fixture, "too many bad commands end the session", "[imapd]") {
    std::string input;
    for (int i = 0; i < 25; ++i)
        input += "a FOO\r\n";
    CHECK_THAT(talk(input), EndsWith("* BYE Too many invalid IMAP commands.\r\n"));
}

TEST_CASE_METHOD(Fixture, "SELECT tells all that it must [RFC 3501 6.3.1]", "[imapd]") {
    store.deliver("INBOX", kMessage);
    store.deliver("INBOX", kMessage);
    std::string said = talk("a SELECT inbox\r\n");
    for (const char* line :
         {"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)\r\n",
          "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] ",
          "* 2 EXISTS\r\n", "* 2 RECENT\r\n", "* OK [UNSEEN 1] ", "* OK [UIDVALIDITY 1000] ",
          "* OK [UIDNEXT 3] ", "a OK [READ-WRITE] SELECT completed.\r\n"}) {
        CHECK_THAT(said, Contains(line));
    }
    CHECK_THAT(talk("a EXAMINE INBOX\r\n"), Contains("[PERMANENTFLAGS ()]") &&
                                                Contains("* 0 RECENT") && Contains("[READ-ONLY]"));
    CHECK_THAT(talk("a SELECT nowhere\r\n"), Contains("a NO [NONEXISTENT] "));
    CHECK_THAT(talk("a SELECT \"&bad\"\r\n"), Contains("a NO [CANNOT] "));
}

TEST_CASE_METHOD(Fixture, "a failed SELECT leaves nothing selected [RFC 3501 6.3.1]", "[imapd]") {
    CHECK_THAT(talk("a SELECT INBOX\r\nb SELECT nowhere\r\nc CHECK\r\n"),
               Contains("c BAD Error in IMAP command: No mailbox selected."));
}

TEST_CASE_METHOD(Fixture, "mailboxes are made, listed, renamed, removed [RFC 3501 6.3]",
                 "[imapd]") {
    std::string said = talk(
        "a CREATE Sent\r\nb CREATE a.b\r\nc CREATE \"Entw&APw-rfe\"\r\nd CREATE Sent\r\n"
        "e LIST \"\" *\r\nf LIST \"\" \"\"\r\ng LIST a. %\r\nh RENAME a.b x\r\ni DELETE x\r\n"
        "j DELETE x\r\nk DELETE INBOX\r\nl LIST \"\" x*\r\n");
    CHECK_THAT(said, Contains("d NO [ALREADYEXISTS] "));
    CHECK_THAT(said, Contains("* LIST (\\HasNoChildren \\Sent) \".\" Sent\r\n"));
    CHECK_THAT(said, Contains("* LIST (\\Noselect \\HasChildren) \".\" a\r\n"));
    CHECK_THAT(said, Contains("* LIST (\\HasNoChildren) \".\" Entw&APw-rfe\r\n"));
    CHECK_THAT(said, Contains("* LIST (\\Noselect) \".\" \"\"\r\nf OK"));
    CHECK_THAT(said, Contains("f OK List completed.\r\n* LIST (\\HasNoChildren) \".\" a.b\r\ng"));
    CHECK_THAT(said, Contains("h OK") && Contains("i OK") && Contains("j NO [NONEXISTENT]"));
    CHECK_THAT(said, Contains("k NO [CANNOT]") && Contains("k NO") && Contains("l OK"));
}

TEST_CASE_METHOD(Fixture, "LSUB tells levels above what is subscribed [RFC 3501 6.3.9]",
                 "[imapd]") {
    std::string said = talk("a SUBSCRIBE a.b.c\r\nb LSUB \"\" *\r\nc LSUB \"\" %\r\n");
    CHECK_THAT(said, Contains("* LSUB () \".\" a.b.c\r\nb OK"));
    CHECK_THAT(said, Contains("* LSUB (\\Noselect) \".\" a\r\nc OK"));
    CHECK_THAT(talk("a UNSUBSCRIBE a.b.c\r\nb LSUB \"\" *\r\n"), !Contains("* LSUB"));
}

TEST_CASE_METHOD(Fixture, "STATUS counts without selecting [RFC 3501 6.3.10]", "[imapd]") {
    store.deliver("INBOX", kMessage);
    CHECK_THAT(talk("a STATUS inbox (UNSEEN MESSAGES RECENT UIDNEXT UIDVALIDITY)\r\n"),
               Contains("* STATUS INBOX (MESSAGES 1 RECENT 1 UIDNEXT 2 UIDVALIDITY 1000 UNSEEN 1)"
                        "\r\na OK"));
    CHECK_THAT(talk("a STATUS nowhere (UNSEEN)\r\n"), Contains("a NO [NONEXISTENT]"));
}

TEST_CASE_METHOD(Fixture, "APPEND keeps flags, date and every octet [RFC 3501 6.3.11]", "[imapd]") {
    std::string said = talk(
        "a APPEND INBOX (\\Seen work) \"17-Jul-1996 02:44:25 -0700\" {5+}\r\nab\r\nc\r\n"
        "b APPEND {5+}\r\nINBOX {0+}\r\n\r\nc APPEND nowhere {1+}\r\nx\r\n"
        "d SELECT INBOX\r\ne FETCH 1 (UID FLAGS RFC822.SIZE BODY.PEEK[])\r\n");
    CHECK_THAT(said, Contains("a OK [APPENDUID 1000 1] Append completed."));
    CHECK_THAT(said, Contains("b NO Can't save a zero byte message."));
    CHECK_THAT(said, Contains("c NO [TRYCREATE] "));
    CHECK_THAT(said, Contains("* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent work) RFC822.SIZE 5 BODY[] "
                              "{5}\r\nab\r\nc)\r\n"));
}

TEST_CASE_METHOD(Fixture, "a large APPEND goes through a file, a too large one is read away",
                 "[imapd]") {
    std::string big(200000, 'x');
    std::string said =
        talk("a APPEND INBOX {200000+}\r\n" + big + "\r\nb STATUS INBOX (MESSAGES)\r\n");
    CHECK_THAT(said, Contains("a OK [APPENDUID") && Contains("(MESSAGES 1)"));
    (void)conf::load_text(settings, "imapd_append_limit = 1024\n");
    said = talk("a APPEND INBOX {1025+}\r\n" + std::string(1025, 'x') + "\r\nb NOOP\r\n");
    CHECK_THAT(said, Contains("a NO [TOOBIG] ") && Contains("b OK"));
    said = talk("a APPEND INBOX {1025}\r\nb NOOP\r\n");
    CHECK_THAT(said, Contains("a NO [TOOBIG] ") && Contains("b OK") && !Contains("+ OK"));
}

TEST_CASE_METHOD(Fixture, "a synchronizing literal is asked for [RFC 3501 4.3]", "[imapd]") {
    CHECK_THAT(talk("a STATUS {5}\r\nINBOX (MESSAGES)\r\n"),
               Contains("+ OK\r\n* STATUS INBOX (MESSAGES 0)\r\n"));
    CHECK_THAT(talk("a STATUS {99999}\r\n"), Contains("a BAD ") && !Contains("+ OK"));
    CHECK_THAT(talk("a STATUS {99999+}\r\n"), EndsWith("* BYE Literal too large.\r\n"));
}

TEST_CASE_METHOD(Fixture, "FETCH tells structure and sections [RFC 3501 6.4.5]", "[imapd]") {
    store.deliver("INBOX", kMultipart);
    auto [items, expected] = GENERATE(table<std::string, std::string>({
        {"BODY.PEEK[1]", "BODY[1] {5}\r\nfirst"},
        {"BODY.PEEK[2]<2.3>", "BODY[2]<2> {3}\r\nE4n"},
        {"BODY.PEEK[2]<99.3>", "BODY[2]<99> {0}\r\n"},
        {"BODY.PEEK[3.HEADER]", "BODY[3.HEADER] {18}\r\nSubject: inner\r\n\r\n"},
        {"BODY.PEEK[3.TEXT]", "BODY[3.TEXT] {2}\r\nin"},
        {"BODY.PEEK[3.1]", "BODY[3.1] {2}\r\nin"},
        {"BODY.PEEK[3.1.MIME]", "BODY[3.1.MIME] {18}\r\nSubject: inner\r\n\r\n"},
        {"BODY.PEEK[3.MIME]", "BODY[3.MIME] {32}\r\nContent-Type: message/rfc822\r\n\r\n"},
        {"BODY.PEEK[4]", "BODY[4] NIL"},
        {"BODY.PEEK[1.1]", "BODY[1.1] NIL"},
        {"BODY.PEEK[1.HEADER]", "BODY[1.HEADER] NIL"},
        {"BODY.PEEK[HEADER.FIELDS (SUBJECT X-None)]",
         "BODY[HEADER.FIELDS (SUBJECT X-NONE)] {18}\r\nSubject: parts\r\n\r\n"},
        {"BODY.PEEK[HEADER.FIELDS.NOT (Subject)]",
         "BODY[HEADER.FIELDS.NOT (SUBJECT)] {45}\r\nContent-Type: multipart/mixed; boundary=x\r\n"
         "\r\n"},
        {"BODY", "BODY ((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 "},
    }));
    INFO(items);
    CHECK_THAT(talk("a SELECT INBOX\r\nb FETCH 1 " + items + "\r\n"),
               Contains("* 1 FETCH (" + expected));
}

TEST_CASE_METHOD(Fixture, "BODYSTRUCTURE holds the envelope of a message inside [RFC 3501 7.4.2]",
                 "[imapd]") {
    store.deliver("INBOX", kMultipart);
    std::string said = talk("a SELECT INBOX\r\nb FETCH 1 BODYSTRUCTURE\r\n");
    CHECK_THAT(said,
               Contains("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 20 (NIL \"inner\" NIL "));
    CHECK_THAT(said, Contains(" \"mixed\" (\"boundary\" \"x\") NIL NIL NIL))\r\n"));
}

TEST_CASE_METHOD(Fixture, "FETCH of an ordinary message [RFC 3501 7.4.2]", "[imapd]") {
    store.deliver("INBOX", kMessage);
    std::string said =
        talk("a SELECT INBOX\r\nb FETCH 1 (ENVELOPE BODY.PEEK[1] RFC822.HEADER)\r\n");
    CHECK_THAT(said,
               Contains("ENVELOPE (\"Mon, 2 Mar 2020 23:59:00 -0800\" "
                        "\"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\" ((\"Tim\" NIL \"tim\" \"here.test\"))"));
    CHECK_THAT(said, Contains("((NIL NIL \"a\" \"b\")(NIL NIL \"c\" \"d\")) NIL NIL NIL NIL)"));
    CHECK_THAT(said, Contains("BODY[1] {14}\r\nHello\r\nWorld\r\n RFC822.HEADER {"));
}

TEST_CASE_METHOD(Fixture, "reading a message marks it, peeking does not [RFC 3501 6.4.5]",
                 "[imapd]") {
    store.deliver("INBOX", kMessage);
    CHECK_THAT(talk("a SELECT INBOX\r\nb FETCH 1 (BODY.PEEK[])\r\nc FETCH 1 FLAGS\r\n"),
               Contains("* 1 FETCH (FLAGS (\\Recent))"));
    CHECK_THAT(talk("a EXAMINE INBOX\r\nb FETCH 1 BODY[]\r\nc FETCH 1 FLAGS\r\n"),
               Contains("* 1 FETCH (FLAGS ())"));
    CHECK_THAT(talk("a SELECT INBOX\r\nb UID FETCH 1 BODY[TEXT]\r\n"),
               Contains("* 1 FETCH (UID 1 BODY[TEXT] {14}\r\nHello\r\nWorld\r\n FLAGS (\\Seen))"));
}

TEST_CASE_METHOD(Fixture, "sequence numbers must exist, UIDs need not [RFC 3501 6.4.8]",
                 "[imapd]") {
    store.deliver("INBOX", kMessage);
    CHECK_THAT(talk("a SELECT INBOX\r\nb FETCH 2 FLAGS\r\nc UID FETCH 7,9 FLAGS\r\n"),
               Contains("b BAD ") && Contains("c OK Fetch completed.") && !Contains("FETCH ("));
    CHECK_THAT(talk("a SELECT INBOX\r\nb UID FETCH 7:* UID\r\n"), Contains("* 1 FETCH (UID 1)"));
    CHECK_THAT(talk("a CREATE e\r\nb SELECT e\r\nc FETCH 1:* UID\r\nd UID FETCH 1:* UID\r\n"),
               Contains("c BAD") && Contains("d OK"));
}

TEST_CASE_METHOD(Fixture, "STORE answers with the flags, silently if asked [RFC 3501 6.4.6]",
                 "[imapd]") {
    store.deliver("INBOX", kMessage);
    std::string said = talk(
        "a SELECT INBOX\r\nb STORE 1 +FLAGS (\\Seen new)\r\nc UID STORE 1 -FLAGS.SILENT \\Seen\r\n"
        "d STORE 1 FLAGS (\\Deleted)\r\ne STORE 1 FLAGS (\\Recent)\r\n");
    CHECK_THAT(said, Contains("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft new)\r\n"));
    CHECK_THAT(said, Contains("* 1 FETCH (FLAGS (\\Seen \\Recent new))\r\nb OK"));
    CHECK_THAT(said, Contains("b OK Store completed.\r\nc OK"));
    CHECK_THAT(said, Contains("* 1 FETCH (FLAGS (\\Deleted \\Recent))\r\nd OK"));
    CHECK_THAT(said, Contains("e BAD "));
    CHECK_THAT(talk("a EXAMINE INBOX\r\nb STORE 1 +FLAGS (\\Seen)\r\n"),
               Contains("b NO [READ-ONLY] "));
}

TEST_CASE_METHOD(Fixture, "EXPUNGE, UID EXPUNGE and CLOSE [RFC 3501 6.4.3, RFC 4315 2.1]",
                 "[imapd]") {
    for (int i = 0; i < 4; ++i)
        store.deliver("INBOX", kMessage);
    std::string said = talk(
        "a SELECT INBOX\r\nb STORE 1:3 +FLAGS.SILENT (\\Deleted)\r\nc UID EXPUNGE 2\r\n"
        "d EXPUNGE\r\ne STORE 1 +FLAGS (\\Deleted)\r\nf CLOSE\r\ng STATUS INBOX (MESSAGES)\r\n");
    CHECK_THAT(said, Contains("* 2 EXPUNGE\r\nc OK"));
    CHECK_THAT(said, Contains("* 2 EXPUNGE\r\n* 1 EXPUNGE\r\nd OK"));
    CHECK_THAT(said, Contains("f OK") && Contains("(MESSAGES 0)"));
}

TEST_CASE_METHOD(Fixture, "COPY and MOVE tell the new UIDs [RFC 4315 3, RFC 6851 4.3]", "[imapd]") {
    store.deliver("INBOX", kMessage);
    store.deliver("INBOX", kMessage);
    std::string said = talk(
        "a CREATE x\r\nb SELECT INBOX\r\nc COPY 1:2 x\r\nd COPY 1 nowhere\r\ne UID COPY 99 x\r\n"
        "f MOVE 1 x\r\ng UID MOVE 2 x\r\n");
    CHECK_THAT(said, Contains("c OK [COPYUID 1001 1:2 1:2] Copy completed."));
    CHECK_THAT(said, Contains("d NO [TRYCREATE] ") && Contains("e OK"));
    CHECK_THAT(said, Contains("* OK [COPYUID 1001 1 3] Moved UIDs.\r\n* 1 EXPUNGE\r\nf OK"));
    CHECK_THAT(said, Contains("* OK [COPYUID 1001 2 4] Moved UIDs.\r\n* 1 EXPUNGE\r\ng OK"));
}

TEST_CASE_METHOD(Fixture, "SEARCH [RFC 3501 6.4.4]", "[imapd]") {
    store.deliver("INBOX", kMessage);
    store.deliver("INBOX", kMultipart);
    auto [keys, expected] = GENERATE(table<std::string, std::string>({
        {"ALL", " 1 2"},
        {"SEEN", ""},
        {"UNSEEN 2", " 2"},
        {"NOT 1", " 2"},
        {"OR UID 1 UID 9", " 1"},
        {"FROM tim", " 1"},
        {"FROM \"TIM <t\"", " 1"},
        {"CHARSET utf-8 SUBJECT {6+}\r\nGR\xc3\x9c\xc3\x9f", " 1"},
        {"CHARSET iso-8859-1 SUBJECT {4+}\r\ngr\xfc\xdf", " 1"},
        {"SENTON 2-Mar-2020", " 1"},
        {"SENTSINCE 3-Mar-2020", ""},
        {"HEADER X-Odd \"\"", " 1"},
        {"HEADER X-Odd no", ""},
        {"BODY world", " 1"},
        {"BODY odd", ""},
        {"TEXT odd", " 1"},
        {"TEXT inner", " 2"},
        {"CHARSET UTF-8 BODY {7+}\r\nL\xc3\x84NGST", " 2"},
        {"LARGER 100 SMALLER 10000", " 1 2"},
        {"SINCE 1-Jan-2020", " 1 2"},
        {"KEYWORD nothing", ""},
        {"UNKEYWORD nothing", " 1 2"},
        {"NEW", " 1 2"},
        {"OLD", ""},
    }));
    INFO(keys);
    CHECK_THAT(talk("a SELECT INBOX\r\nb SEARCH " + keys + "\r\n"),
               Contains("* SEARCH" + expected + "\r\nb OK"));
}

TEST_CASE_METHOD(Fixture, "an unknown charset is told so [RFC 3501 6.4.4]", "[imapd]") {
    CHECK_THAT(talk("a SELECT INBOX\r\nb SEARCH CHARSET x-none SUBJECT a\r\n"),
               Contains("b NO [BADCHARSET "));
}

TEST_CASE_METHOD(Fixture, "IDLE tells what happens as it happens [RFC 2177 3]", "[imapd]") {
    store.deliver("INBOX", kMessage);
    Client client(loop, store, workers, settings);
    client.send("a SELECT INBOX\r\nb IDLE\r\n");
    client.until("+ idling");
    std::uint32_t uid = store.deliver("INBOX", kMessage);
    CHECK_THAT(client.until("RECENT"), EndsWith("* 2 EXISTS\r\n* 2 RECENT\r\n"));
    store.take_away("INBOX", uid);
    CHECK_THAT(client.until("EXPUNGE"), EndsWith("* 2 EXPUNGE\r\n"));
    loop.advance(Seconds(121));
    CHECK_THAT(client.until("Still"), EndsWith("* OK Still here\r\n"));
    client.send("DONE\r\nc IDLE\r\nnone\r\n");
    CHECK_THAT(client.until("c BAD"), Contains("b OK Idle completed."));
}

TEST_CASE_METHOD(Fixture, "no number changes under FETCH [RFC 3501 7.4.1]", "[imapd]") {
    store.deliver("INBOX", kMessage);
    store.deliver("INBOX", kMessage);
    Client client(loop, store, workers, settings);
    client.send("a SELECT INBOX\r\n");
    client.until("a OK");
    store.take_away("INBOX", 1);
    client.send("b FETCH 1:2 UID\r\n");
    std::string said = client.until("b ");
    CHECK_THAT(said, Contains("b NO [EXPUNGEISSUED] ") && !Contains(" EXPUNGE\r\n"));
    client.send("c NOOP\r\n");
    CHECK_THAT(client.until("c OK"), Contains("* 1 EXPUNGE\r\n"));
}

TEST_CASE_METHOD(Fixture, "a mailbox that goes away ends its sessions", "[imapd]") {
    store.deliver("INBOX", kMessage);
    Client client(loop, store, workers, settings);
    client.send("a CREATE x\r\nb SELECT x\r\nc IDLE\r\n");
    client.until("+ idling");
    CHECK_THAT(talk("a DELETE x\r\n"), Contains("a OK"));
    CHECK_THAT(client.rest(), Contains("* BYE "));
}

TEST_CASE_METHOD(Fixture, "silence and shutdown say BYE [RFC 3501 5.4, 7.1.5]", "[imapd]") {
    Client silent(loop, store, workers, settings);
    silent.until("a0 OK");
    loop.advance(Seconds(1801));
    CHECK_THAT(silent.rest(), EndsWith("* BYE Disconnected for inactivity.\r\n"));
    CHECK(silent.session().ending() == "Inactivity");
    Client stopped(loop, store, workers, settings);
    stopped.until("a0 OK");
    stopped.cancel();
    CHECK_THAT(stopped.rest(), EndsWith("* BYE Server shutting down.\r\n"));
}
