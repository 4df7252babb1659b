#include "imapd/test_client.h"

using namespace facteur;
using namespace facteur::imapd;

namespace {

std::string message(const std::string& subject, const std::string& more = "") {
    return "From: a@b\r\nSubject: " + subject + "\r\n" + more + "\r\nbody\r\n";
}

}  // namespace

TEST_CASE_METHOD(Fixture, "ENABLE answers with what it knows [RFC 5161 3.1]", "[imapd]") {
    std::string said = talk("a ENABLE condstore X-NO\r\nb ENABLE X-NO\r\nc ENABLE\r\n");
    CHECK_THAT(said, Contains("* ENABLED CONDSTORE\r\na OK") && Contains("* ENABLED\r\nb OK"));
    CHECK_THAT(said, Contains("c BAD "));
}

TEST_CASE_METHOD(Fixture, "mod-sequences are told once they were asked for [RFC 7162 3.1]",
                 "[imapd]") {
    store.deliver("INBOX", message("one"));
    store.deliver("INBOX", message("two"));
    std::string said = talk(
        "a SELECT INBOX\r\nb STORE 1 +FLAGS (\\Seen)\r\nc FETCH 1 MODSEQ\r\n"
        "d STORE 2 +FLAGS.SILENT (\\Seen)\r\ne FETCH 1:2 FLAGS (CHANGEDSINCE 4)\r\n"
        "f STORE 1:2 (UNCHANGEDSINCE 4) +FLAGS.SILENT (\\Draft)\r\n");
    CHECK_THAT(said, Contains("[HIGHESTMODSEQ 3] Highest\r\n* OK [MAILBOXID (F1000)] "));
    CHECK_THAT(said, Contains("* 1 FETCH (FLAGS (\\Seen \\Recent))\r\nb OK"));
    CHECK_THAT(said, Contains("* OK [HIGHESTMODSEQ 4] Highest\r\n* 1 FETCH (MODSEQ (4))\r\nc OK"));
    CHECK_THAT(said, Contains("* 2 FETCH (MODSEQ (5))\r\nd OK"));
    CHECK_THAT(
        said,
        Contains("d OK Store completed.\r\n* 2 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (5))\r\ne"));
    CHECK_THAT(said, Contains("* 1 FETCH (MODSEQ (6))\r\nf OK [MODIFIED 2] "));
}

TEST_CASE_METHOD(Fixture, "a client comes back to what happened [RFC 7162 3.2.5]", "[imapd]") {
    for (int i = 0; i < 5; ++i)
        store.deliver("INBOX", message("x"));
    std::string said = talk(
        "a ENABLE QRESYNC\r\nb SELECT INBOX\r\nc STORE 2 +FLAGS.SILENT (\\Deleted)\r\n"
        "d EXPUNGE\r\ne STORE 3 +FLAGS.SILENT (\\Seen)\r\n"
        "f SELECT INBOX (QRESYNC (1000 6))\r\ng SELECT INBOX (QRESYNC (1000 6 3:9))\r\n"
        "h SELECT INBOX (QRESYNC (999 6))\r\ni SELECT INBOX (QRESYNC (1000 99))\r\n");
    CHECK_THAT(said, Contains("* VANISHED 2\r\nd OK [HIGHESTMODSEQ 8] Expunge"));
    CHECK_THAT(said,
               Contains("* VANISHED (EARLIER) 2\r\n* 3 FETCH (UID 4 FLAGS (\\Seen) MODSEQ (9))"
                        "\r\nf OK"));
    CHECK_THAT(said, Contains("change\r\n* 3 FETCH (UID 4 FLAGS (\\Seen) MODSEQ (9))\r\ng OK"));
    CHECK_THAT(said, Contains("change\r\nh OK") && Contains("change\r\ni OK"));
    CHECK_THAT(talk("a SELECT INBOX (QRESYNC (1000 6))\r\n"), Contains("a BAD "));
}

TEST_CASE_METHOD(Fixture, "results are told as they were asked for [RFC 4731 3.1]", "[imapd]") {
    for (int i = 0; i < 5; ++i)
        store.deliver("INBOX", message("x"));
    auto [keys, expected] = GENERATE(table<std::string, std::string>({
        {"SEARCH RETURN () ALL", "* ESEARCH (TAG \"b\") ALL 1:5"},
        {"SEARCH RETURN (MIN MAX COUNT) 2:3", "* ESEARCH (TAG \"b\") MIN 2 MAX 3 COUNT 2"},
        {"UID SEARCH RETURN (ALL) SEEN", "* ESEARCH (TAG \"b\") UID"},
        {"SEARCH RETURN (PARTIAL -1:-2) ALL", "* ESEARCH (TAG \"b\") PARTIAL (-1:-2 4:5)"},
        {"SEARCH RETURN (PARTIAL 9:6) ALL", "* ESEARCH (TAG \"b\") PARTIAL (6:9 NIL)"},
        {"SEARCH RETURN (MAX) MODSEQ 1", "* ESEARCH (TAG \"b\") MAX 5 MODSEQ 6"},
        {"SORT RETURN (MIN) (REVERSE ARRIVAL SIZE) UTF-8 ALL", "* ESEARCH (TAG \"b\") MIN 1"},
    }));
    INFO(keys);
    CHECK_THAT(talk("a SELECT INBOX\r\nb " + keys + "\r\n"),
               Contains("\r\n" + expected + "\r\nb OK"));
}

TEST_CASE_METHOD(Fixture, "a result is kept for the next command [RFC 5182 2.1]", "[imapd]") {
    for (int i = 0; i < 5; ++i)
        store.deliver("INBOX", message("x"));
    std::string said = talk(
        "a SELECT INBOX\r\nb SEARCH RETURN (SAVE) 2,4\r\nc FETCH $ UID\r\nd SEARCH NOT $\r\n"
        "e STORE 2 +FLAGS.SILENT (\\Deleted)\r\nf EXPUNGE\r\ng SEARCH $\r\n"
        "h SELECT INBOX\r\ni SEARCH $\r\n");
    CHECK_THAT(said, Contains("\r\nb OK") && !Contains("ESEARCH ("));
    CHECK_THAT(said, Contains("* 2 FETCH (UID 2)\r\n* 4 FETCH (UID 4)\r\nc OK"));
    CHECK_THAT(said, Contains("* SEARCH 1 3 5\r\nd OK") && Contains("* SEARCH 3\r\ng OK"));
    CHECK_THAT(said, Contains("* SEARCH\r\ni OK"));
}

TEST_CASE_METHOD(Fixture, "SORT and THREAD answer from the headers [RFC 5256 3]", "[imapd]") {
    store.deliver("INBOX", message("pears", "Message-ID: <1@x>\r\n"));
    store.deliver("INBOX", message("apples", "Message-ID: <2@x>\r\n"));
    store.deliver("INBOX", message("Re: pears", "In-Reply-To: <1@x>\r\n"));
    auto [command, expected] = GENERATE(table<std::string, std::string>({
        {"SORT (SUBJECT) UTF-8 ALL", "* SORT 2 1 3"},
        {"SORT (REVERSE SUBJECT) UTF-8 2:3", "* SORT 3 2"},
        {"THREAD REFERENCES UTF-8 ALL", "* THREAD (1 3)(2)"},
        {"UID THREAD ORDEREDSUBJECT UTF-8 1,3", "* THREAD (1 3)"},
        {"THREAD REFERENCES UTF-8 SEEN", "* THREAD"},
        {"SORT (SUBJECT) x-none SUBJECT a", "b NO [BADCHARSET "},
        {"SORT (NONE) UTF-8 ALL", "b BAD "},
        {"THREAD REFS UTF-8 ALL", "* THREAD (2)(1 3)"},
        {"THREAD X UTF-8 ALL", "b BAD "},
    }));
    INFO(command);
    CHECK_THAT(talk("a SELECT INBOX\r\nb " + command + "\r\n"), Contains("\r\n" + expected));
}

TEST_CASE_METHOD(Fixture, "LIST tells what it is asked to [RFC 5258 3, RFC 5819 2]", "[imapd]") {
    std::string setup = "1 CREATE a.b\r\n2 CREATE c\r\n3 SUBSCRIBE a.b\r\n4 SUBSCRIBE gone\r\n";
    auto [arguments, expected] = GENERATE(table<std::string, std::string>({
        {"(SUBSCRIBED) \"\" *",
         "* LIST (\\HasNoChildren \\Subscribed) \".\" a.b\r\n"
         "* LIST (\\NonExistent \\HasNoChildren \\Subscribed) \".\" gone\r\n"},
        {"(SUBSCRIBED RECURSIVEMATCH) \"\" a",
         "* LIST (\\NonExistent \\HasChildren) \".\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"},
        {"\"\" (c a.b) RETURN (SUBSCRIBED)",
         "* LIST (\\HasNoChildren \\Subscribed) \".\" a.b\r\n* LIST (\\HasNoChildren) \".\" c\r\n"},
        {"\"\" c RETURN (STATUS (MESSAGES SIZE))",
         "* LIST (\\HasNoChildren) \".\" c\r\n* STATUS c (MESSAGES 0 SIZE 0)\r\n"},
        {"() \"\" \"\"", ""},
    }));
    INFO(arguments);
    CHECK_THAT(talk(setup + "a LIST " + arguments + "\r\n"),
               Contains("4 OK Subscribe completed.\r\n" + expected + "a OK"));
}

TEST_CASE_METHOD(Fixture, "a message knows when it was saved [RFC 8514 4]", "[imapd]") {
    auto [command, expected] = GENERATE(table<std::string, std::string>({
        {"FETCH 1 SAVEDATE", "* 1 FETCH (SAVEDATE \""},
        {"FETCH 1 INTERNALDATE", "* 1 FETCH (INTERNALDATE \"17-Jul-1996"},
        {"SEARCH SAVEDSINCE 1-Jan-2020", "* SEARCH 1\r\n"},
        {"SEARCH SAVEDBEFORE 1-Jan-2020", "* SEARCH\r\n"},
        {"SEARCH SAVEDON 17-Jul-1996", "* SEARCH\r\n"},
        {"SEARCH SAVEDATESUPPORTED", "* SEARCH 1\r\n"},
    }));
    INFO(command);
    std::string said =
        talk("a APPEND INBOX \"17-Jul-1996 02:44:25 -0700\" {1+}\r\nx\r\nb SELECT INBOX\r\nc " +
             command + "\r\n");
    CHECK_THAT(said, Contains(expected));
}

TEST_CASE_METHOD(Fixture, "names are UTF-8 once that is enabled [RFC 6855 3]", "[imapd]") {
    std::string said = talk(
        "a ENABLE UTF8=ACCEPT\r\nb CREATE \"gr\xc3\xbc\xc3\x9f\"\r\nc LIST \"\" gr*\r\n"
        "d CREATE \"\xff\"\r\ne SELECT INBOX\r\nf SEARCH CHARSET UTF-8 SUBJECT a\r\n");
    CHECK_THAT(said, Contains("* LIST (\\HasNoChildren) \".\" \"gr\xc3\xbc\xc3\x9f\"\r\nc OK"));
    CHECK_THAT(said, Contains("d NO [CANNOT]") && Contains("f BAD"));
    CHECK_THAT(talk("a LIST \"\" gr*\r\n"), Contains("\".\" gr&APwA3w-\r\n"));
}

TEST_CASE_METHOD(Fixture, "IMAP4rev2 is spoken when it is enabled [RFC 9051 appendix E]",
                 "[imapd]") {
    store.deliver("INBOX", message("x"));
    std::string said = talk(
        "a ENABLE IMAP4rev2\r\nb SELECT INBOX\r\nc SEARCH ALL\r\nd FETCH 1 FLAGS\r\n"
        "e FETCH 1 BODY.PEEK[TEXT]<4294967296.4294967296>\r\n");
    CHECK_THAT(said, Contains("* LIST () \".\" INBOX\r\n") && !Contains("RECENT") &&
                         !Contains("[UNSEEN") && !Contains("Recent"));
    CHECK_THAT(said, Contains("* ESEARCH (TAG \"c\") ALL 1\r\nc OK"));
    CHECK_THAT(said, Contains("BODY[TEXT]<4294967296> {0}\r\n"));
}

TEST_CASE_METHOD(Fixture, "annotations are set, told and removed [RFC 5464 4]", "[imapd]") {
    std::string setup =
        "1 CREATE a\r\n2 SETMETADATA a (/private/comment \"x\" /private/comment/b {3+}\r\nlon)"
        "\r\n3 SETMETADATA \"\" (/private/v ~{3+}\r\na";
    setup += std::string("\0b)\r\n", 5);
    auto [command, expected] = GENERATE(table<std::string, std::string>({
        {"GETMETADATA a /private/COMMENT", "* METADATA a (/private/comment \"x\")\r\nz OK"},
        {"GETMETADATA a (/private/comment /shared/y)",
         "* METADATA a (/private/comment \"x\" /shared/y NIL)\r\nz OK"},
        {"GETMETADATA (DEPTH 1 MAXSIZE 2) a /private/comment",
         "* METADATA a (/private/comment \"x\")\r\nz OK [METADATA LONGENTRIES 3]"},
        {"GETMETADATA (DEPTH infinity) a /private",
         "* METADATA a (/private/comment \"x\" /private/comment/b \"lon\")\r\nz OK"},
        {"GETMETADATA \"\" /private/v", std::string("/private/v ~{3}\r\na\0b)\r\nz OK", 25)},
        {"GETMETADATA \"\" /shared/admin", "(/shared/admin \"mailto:postmaster@"},
        {"GETMETADATA none /private/a", "z NO [NONEXISTENT] "},
        {"SETMETADATA \"\" (/shared/comment \"x\")", "z NO [NOPERM] "},
        {"SETMETADATA a (/private/specialuse \"\\\\All\")", "z NO [USEATTR] "},
        {"LIST \"\" a RETURN (METADATA (/private/comment /private/no))",
         "a\r\n* METADATA a (/private/comment \"x\" /private/no NIL)\r\nz OK"},
    }));
    INFO(command);
    std::string said = talk(setup + "z " + command + "\r\n");
    CHECK_THAT(said, Contains(expected));
}

TEST_CASE_METHOD(Fixture, "a mailbox is made for a use [RFC 6154 3]", "[imapd]") {
    std::string said = talk(
        "a CREATE x (USE (\\Drafts))\r\nb CREATE y (USE (\\All))\r\nc CREATE z (FOO)\r\n"
        "d CREATE w (USE ())\r\ne SETMETADATA w (/private/specialuse \"\\\\junk\")\r\n"
        "f LIST (SPECIAL-USE) \"\" *\r\n");
    CHECK_THAT(said, Contains("a OK [MAILBOXID (F1001)] ") && Contains("b NO [USEATTR] ") &&
                         Contains("c BAD ") && Contains("d OK [MAILBOXID"));
    CHECK_THAT(said, Contains("* LIST (\\HasNoChildren \\Junk) \".\" w\r\n"
                              "* LIST (\\HasNoChildren \\Drafts) \".\" x\r\nf OK"));
}

TEST_CASE_METHOD(Fixture, "objects have ids that stay [RFC 8474 5]", "[imapd]") {
    store.deliver("INBOX", message("one", "Message-ID: <1@x>\r\n"));
    store.deliver("INBOX", message("two", "References: <1@x>\r\n"));
    std::string said = talk(
        "a SELECT INBOX\r\nb CREATE x\r\nc COPY 1 x\r\nd FETCH 1:2 (EMAILID THREADID)\r\n"
        "e STATUS x (MAILBOXID)\r\nf SELECT x\r\ng FETCH 1 EMAILID\r\n");
    std::size_t at = said.find("EMAILID (") + 9;
    std::string email = said.substr(at, said.find(')', at) - at);
    CHECK(email.size() == 33);
    CHECK_THAT(said, Contains("* STATUS x (MAILBOXID (F1001))\r\ne OK") &&
                         Contains("[MAILBOXID (F1000)]") && Contains("[MAILBOXID (F1001)]") &&
                         Contains("* 1 FETCH (EMAILID (" + email + "))\r\ng OK"));
    at = said.find("THREADID (") + 10;
    std::string thread = said.substr(at, said.find(')', at) - at);
    CHECK_THAT(talk("a SELECT INBOX\r\nb SEARCH THREADID " + thread + "\r\nc SEARCH EMAILID " +
                    email + "\r\nd SEARCH EMAILID none\r\n"),
               Contains("* SEARCH 1 2\r\nb OK") && Contains("* SEARCH 1\r\nc OK") &&
                   Contains("* SEARCH\r\nd OK"));
}

TEST_CASE_METHOD(Fixture, "UIDONLY knows no sequence numbers [RFC 9586 3]", "[imapd]") {
    for (int i = 0; i < 3; ++i)
        store.deliver("INBOX", message("x"));
    std::string said = talk(
        "a SELECT INBOX\r\nb STORE 1 +FLAGS (\\Deleted)\r\nc EXPUNGE\r\nd ENABLE UIDONLY\r\n"
        "e FETCH 1 FLAGS\r\nf UID FETCH 2 FLAGS\r\ng UID STORE 3 +FLAGS (\\Deleted)\r\n"
        "h UID SEARCH 1\r\ni UID SEARCH UID 2\r\nj EXPUNGE\r\nk SELECT INBOX\r\n");
    CHECK_THAT(said, Contains("* ENABLED UIDONLY\r\n") && Contains("e BAD [UIDREQUIRED] ") &&
                         Contains("* 2 UIDFETCH (FLAGS (\\Recent))\r\nf OK") &&
                         Contains("* 3 UIDFETCH (FLAGS (\\Deleted \\Recent))\r\ng OK") &&
                         Contains("h BAD [UIDREQUIRED] ") && Contains("* SEARCH 2\r\ni OK") &&
                         Contains("* VANISHED 3\r\nj OK"));
    CHECK_THAT(said.substr(said.find("j OK")), !Contains("[UNSEEN"));
}

TEST_CASE_METHOD(Fixture, "one command handles no more than the limit [RFC 9738 3]", "[imapd]") {
    auto problems = conf::load_text(settings, "imapd_message_limit = 2\n");
    REQUIRE(problems.empty());
    for (int i = 0; i < 5; ++i)
        store.deliver("INBOX", message("x"));
    std::string said = talk(
        "a CAPABILITY\r\nb SELECT INBOX\r\nc FETCH 1:* UID\r\nd SEARCH ALL\r\n"
        "e UID STORE 1:4 +FLAGS.SILENT (\\Deleted)\r\nf FETCH 2:3 FLAGS\r\n"
        "g CREATE x\r\nh COPY 1:3 x\r\ni UID EXPUNGE 1:*\r\nj UID MOVE 1:3 x\r\n"
        "k APPEND x {1+}\r\na {1+}\r\na {1+}\r\na\r\n");
    CHECK_THAT(said, Contains(" MESSAGELIMIT=2\r\n") &&
                         Contains("4 FETCH (UID 4)\r\n* 5 FETCH (UID 5)\r\n"
                                  "c OK [MESSAGELIMIT 2 4] ") &&
                         Contains("* SEARCH 4 5\r\nd OK [MESSAGELIMIT 2 4] ") &&
                         Contains("e OK [MESSAGELIMIT 2 3] ") && Contains("f OK Fetch"));
    CHECK_THAT(said,
               Contains("* OK [COPYUID 1001 2:3 1:2] Copied UIDs.\r\nh OK [MESSAGELIMIT 2 2]"));
    CHECK_THAT(said, Contains("i OK [MESSAGELIMIT 2 4] ") && Contains("j OK [MESSAGELIMIT 2 2] ") &&
                         Contains("k NO [MESSAGELIMIT 2] "));
}

TEST_CASE_METHOD(Fixture, "the selected mailbox may get another name [RFC 3501 6.3.5]", "[imapd]") {
    std::string said = talk(
        "a CREATE x.y\r\nb APPEND x.y {1+}\r\na\r\nc SELECT x.y\r\nd RENAME x.y z\r\n"
        "e FETCH 1 UID\r\nf RENAME z INBOX\r\ng FETCH 1 UID\r\nh STATUS z (MESSAGES)\r\n");
    CHECK_THAT(said, Contains("d OK Rename completed.\r\n* 1 FETCH (UID 1)\r\ne OK") &&
                         Contains("f NO [ALREADYEXISTS] ") &&
                         Contains("\r\n* 1 FETCH (UID 1)\r\ng OK") &&
                         Contains("* STATUS z (MESSAGES 1)\r\nh OK"));
}
