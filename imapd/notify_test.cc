#include "imapd/test_client.h"

using namespace facteur;
using namespace facteur::imapd;

namespace {

std::string letter(const std::string& subject) {
    return "From: a@b\r\nSubject: " + subject + "\r\n\r\nbody\r\n";
}

}  // namespace

TEST_CASE_METHOD(Fixture, "NOTIFY tells between commands [RFC 5465 3]", "[imapd]") {
    store.deliver("INBOX", letter("one"));
    Client client(loop, store, workers, settings);
    client.send(
        "a SELECT INBOX\r\nb NOTIFY SET (selected (MessageNew (UID) MessageExpunge)) "
        "(personal (MessageNew MessageExpunge MailboxName))\r\n");
    client.until("b OK");
    store.deliver("INBOX", letter("two"));
    CHECK_THAT(client.until("FETCH"), Contains("* 2 EXISTS\r\n") && Contains("* 2 FETCH (UID 2)"));
    store.take_away("INBOX", 1);
    CHECK(client.until("EXPUNGE") == "* 1 EXPUNGE\r\n");
    client.send("c CREATE mine\r\n");
    CHECK_THAT(client.until("c OK"), !Contains("LIST"));
    Client other(loop, store, workers, settings);
    other.send("a CREATE theirs\r\n");
    CHECK_THAT(client.until("LIST"), Contains("* LIST (\\HasNoChildren) \".\" theirs\r\n"));
    store.deliver("theirs", letter("three"));
    CHECK_THAT(client.until("STATUS"), Contains("* STATUS theirs (MESSAGES 1 UIDNEXT 2 "));
    client.send("d NOTIFY NONE\r\n");
    client.until("d OK");
    store.deliver("INBOX", letter("four"));
    client.send("e NOOP\r\n");
    CHECK(client.until("e OK") == "e OK NOOP completed.\r\n");
}

TEST_CASE_METHOD(Fixture, "too much to watch is refused [RFC 5465 3.1]", "[imapd]") {
    auto problems = conf::load_text(settings, "imapd_notify_mailbox_limit = 1\n");
    REQUIRE(problems.empty());
    CHECK_THAT(talk("a CREATE x\r\nb NOTIFY SET (personal (MailboxName))\r\n"
                    "c NOTIFY SET (mailboxes x (MessageNew MessageExpunge))\r\n"),
               Contains("b NO [NOTIFICATIONOVERFLOW] ") && Contains("c OK"));
}

TEST_CASE_METHOD(Fixture, "searches go on until they are cancelled [RFC 5267 4.3]", "[imapd]") {
    for (int i = 0; i < 3; ++i)
        store.deliver("INBOX", letter("x"));
    std::string said = talk(
        "a SELECT INBOX\r\nb SEARCH RETURN (UPDATE COUNT) FLAGGED\r\n"
        "c STORE 2 +FLAGS.SILENT (\\Flagged)\r\nd UID SORT RETURN (UPDATE ALL) (ARRIVAL) UTF-8 ALL"
        "\r\ne STORE 1 +FLAGS.SILENT (\\Deleted)\r\nf EXPUNGE\r\ng CANCELUPDATE \"b\"\r\n"
        "h STORE 1 -FLAGS.SILENT (\\Flagged)\r\n");
    CHECK_THAT(said,
               Contains("* ESEARCH (TAG \"b\") ADDTO (0 2)\r\nc OK") &&
                   Contains("* ESEARCH (TAG \"d\") UID REMOVEFROM (1 1)\r\n* 1 EXPUNGE\r\n") &&
                   Contains("g OK Cancelupdate completed.\r\nh OK"));
}

TEST_CASE_METHOD(Fixture, "several mailboxes are searched at once [RFC 7377 2]", "[imapd]") {
    std::string said = talk(
        "a CREATE x\r\nb APPEND x {1+}\r\na\r\nc APPEND INBOX {1+}\r\na\r\n"
        "d ESEARCH IN (personal) RETURN (COUNT) ALL\r\ne ESEARCH IN (subtree x) ALL\r\n"
        "f ESEARCH ALL\r\n");
    CHECK_THAT(said,
               Contains("* ESEARCH (TAG \"d\" MAILBOX INBOX UIDVALIDITY 1000) UID COUNT 1\r\n"
                        "* ESEARCH (TAG \"d\" MAILBOX x UIDVALIDITY 1001) UID COUNT 1\r\nd OK"));
    CHECK_THAT(said, Contains("(TAG \"e\" MAILBOX x UIDVALIDITY 1001) UID ALL 1\r\ne OK") &&
                         Contains("f BAD"));
}

TEST_CASE_METHOD(Fixture, "a store without quota or lists says so [RFC 9208, RFC 4314]",
                 "[imapd]") {
    std::string said = talk(
        "a GETQUOTAROOT INBOX\r\nb GETQUOTA x\r\nc SETQUOTA \"\" (STORAGE 1)\r\nd MYRIGHTS "
        "INBOX\r\n"
        "e GETACL INBOX\r\nf SETACL INBOX fred lr\r\ng NAMESPACE\r\n"
        "h LIST \"\" INBOX RETURN (MYRIGHTS)\r\n");
    CHECK_THAT(said, Contains("* QUOTAROOT INBOX\r\na OK") && Contains("b NO [NONEXISTENT] ") &&
                         Contains("c NO [NOPERM] ") &&
                         Contains("* MYRIGHTS INBOX lrswipkxteacd\r\nd OK"));
    CHECK_THAT(said, Contains("e NO [CANNOT] ") && Contains("f NO [CANNOT] ") &&
                         Contains("* NAMESPACE ((\"\" \".\")) NIL NIL\r\ng OK") &&
                         Contains("INBOX\r\n* MYRIGHTS INBOX lrswipkxteacd\r\nh OK"));
}
