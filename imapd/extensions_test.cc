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
    CHECK_THAT(said, Contains("[HIGHESTMODSEQ 3] Highest\r\na OK"));
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
    CHECK_THAT(said, Contains("Highest\r\n* 3 FETCH (UID 4 FLAGS (\\Seen) MODSEQ (9))\r\ng OK"));
    CHECK_THAT(said, Contains("Highest\r\nh OK") && Contains("Highest\r\ni OK"));
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
        {"THREAD REFS UTF-8 ALL", "b BAD "},
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
