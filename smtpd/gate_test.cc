#include "smtpd/gate.h"

#include <catch2/catch.hpp>

#include "lib/config/load.h"
#include "lib/smtp/parameters.h"
#include "smtpd/received.h"
#include "smtpd/test_fixture.h"

using namespace facteur;
using namespace facteur::smtpd;
using namespace facteur::smtpd::testing;

TEST_CASE("each restriction decides as Postfix documents it", "[smtpd]") {
    struct Row {
        std::string main_cf, helo, sender, recipient, reply;
    };
    const std::string recipient = "smtpd_recipient_restrictions = ";
    const std::string ok = "250 2.1.5 Ok";
    const Row row = GENERATE_COPY(values<Row>({
        {recipient + "permit\n", "a", "a@b.test", "x@else.test",
         "454 4.7.1 <x@else.test>: Relay access denied"},
        {recipient + "reject\n", "a", "a@b.test", "user@here.test",
         "554 5.7.1 <user@here.test>: Recipient address rejected: Access denied"},
        {recipient + "defer\n", "a", "a@b.test", "user@here.test",
         "450 4.7.1 <user@here.test>: Recipient address rejected: Try again later"},
        {recipient + "defer_if_permit\n", "a", "a@b.test", "user@here.test",
         "450 4.7.0 <user@here.test>: Recipient address rejected: defer_if_permit requested"},
        {recipient + "defer_if_reject, reject\n", "a", "a@b.test", "user@here.test",
         "450 4.7.0 <user@here.test>: Recipient address rejected: defer_if_reject requested"},
        {recipient + "warn_if_reject reject\n", "a", "a@b.test", "user@here.test", ok},
        {recipient + "permit_auth_destination, reject\n", "a", "a@b.test", "user@here.test", ok},
        {recipient + "permit_inet_interfaces, reject\n", "a", "a@b.test", "user@here.test", ok},
        {recipient + "reject_plaintext_session\n", "a", "a@b.test", "user@here.test",
         "450 4.7.1 <user@here.test>: Recipient address rejected: Session encryption is "
         "required"},
        {"smtpd_relay_restrictions = permit\n", "a", "a@b.test", "x@else.test", ""},
        {"smtpd_relay_restrictions = permit_inet_interfaces, reject_unauth_destination\n", "a",
         "a@b.test", "x@else.test", ok},
        {"smtpd_relay_restrictions = reject_unauth_destination\n", "a", "a@b.test", "x@else.test",
         "554 5.7.1 <x@else.test>: Relay access denied"},
        {"smtpd_relay_restrictions =\n" + recipient + "reject_unauth_destination\n", "a",
         "a@b.test", "x@else.test", "554 5.7.1 <x@else.test>: Relay access denied"},
        {"smtpd_relay_restrictions =\n" + recipient + "defer_if_reject, defer_if_permit\n", "a",
         "a@b.test", "x@else.test",
         "450 4.7.0 <x@else.test>: Recipient address rejected: defer_if_reject requested"},
        {"smtpd_client_restrictions = reject\n", "a", "a@b.test", "user@here.test",
         "554 5.7.1 <unknown[127.0.0.1]>: Client host rejected: Access denied"},
        {"smtpd_client_restrictions = reject_unknown_client_hostname\n", "a", "a@b.test",
         "user@here.test",
         "450 4.7.25 Client host rejected: cannot find your hostname, [127.0.0.1]"},
        {"smtpd_client_restrictions = reject_unknown_reverse_client_hostname\n", "a", "a@b.test",
         "user@here.test",
         "450 4.7.25 Client host rejected: cannot find your reverse hostname, [127.0.0.1]"},
        {"smtpd_client_restrictions = reject_rbl_client bl.test\n", "a", "a@b.test",
         "user@here.test",
         "554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using bl.test; bad"},
        {"smtpd_client_restrictions = reject_rbl_client bl.test=127.0.0.[3..9]\n", "a", "a@b.test",
         "user@here.test", ok},
        {"smtpd_client_restrictions = permit_dnswl_client bl.test, reject\n", "a", "a@b.test",
         "user@here.test", ok},
        {"smtpd_sender_restrictions = reject_rhsbl_sender rh.test\n", "a", "a@spam.test",
         "user@here.test",
         "554 5.7.1 Service unavailable; Sender address [a@spam.test] blocked using rh.test"},
        {"smtpd_helo_restrictions = reject_invalid_helo_hostname\n", "a..b", "a@b.test",
         "user@here.test", "501 5.5.2 <a..b>: Helo command rejected: Invalid name"},
        {"smtpd_helo_restrictions = reject_non_fqdn_helo_hostname\n", "a", "a@b.test",
         "user@here.test", "504 5.5.2 <a>: Helo command rejected: need fully-qualified hostname"},
        {"smtpd_helo_restrictions = reject_non_fqdn_helo_hostname\n", "[192.0.2.1]", "a@b.test",
         "user@here.test", ok},
        {"smtpd_helo_restrictions = reject_unknown_helo_hostname\n", "missing.test", "a@b.test",
         "user@here.test", "450 4.7.1 <missing.test>: Helo command rejected: Host not found"},
        {"smtpd_helo_restrictions = reject_unknown_helo_hostname\n", "dead.test", "a@b.test",
         "user@here.test", "450 4.7.1 <dead.test>: Helo command rejected: Host not found"},
        {"smtpd_sender_restrictions = reject_non_fqdn_sender\n", "a", "a@b", "user@here.test",
         "504 5.5.2 <a@b>: Sender address rejected: need fully-qualified address"},
        {"smtpd_sender_restrictions = reject_non_fqdn_sender\n", "a", "", "user@here.test", ok},
        {"smtpd_sender_restrictions = reject_unknown_sender_domain\n", "a", "a@missing.test",
         "user@here.test", "450 4.1.8 <a@missing.test>: Sender address rejected: Domain not found"},
        {"smtpd_sender_restrictions = reject_unknown_sender_domain\nunknown_address_reject_code "
         "= 550\n",
         "a", "a@missing.test", "user@here.test",
         "550 5.1.8 <a@missing.test>: Sender address rejected: Domain not found"},
        {"smtpd_sender_restrictions = reject_unlisted_sender\n", "a", "nobody@here.test",
         "user@here.test",
         "550 5.1.0 <nobody@here.test>: Sender address rejected: User unknown in local "
         "recipient table"},
        {"smtpd_sender_restrictions = reject_sender_login_mismatch\n", "a", "owned@here.test",
         "user@here.test", "553 5.7.1 <owned@here.test>: Sender address rejected: not logged in"},
        {"smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch\n", "a",
         "owned@here.test", "user@here.test", ok},
        {recipient + "reject_non_fqdn_recipient\n", "a", "a@b.test", "postmaster",
         "504 5.5.2 <postmaster>: Recipient address rejected: need fully-qualified address"},
        {"smtpd_reject_unlisted_recipient = no\n", "a", "a@b.test", "nobody@here.test", ok},
        {"smtpd_client_restrictions = check_client_access hash:x\n", "a", "a@b.test",
         "user@here.test", "554 5.7.1 <unknown[127.0.0.1]>: Client host rejected: Access denied"},
        {"smtpd_sender_restrictions = hash:x\n", "a", "text@b.test", "user@here.test",
         "551 5.7.9 <text@b.test>: Sender address rejected: go away"},
        {"smtpd_sender_restrictions = check_sender_access hash:x, reject\n", "a", "ok@b.test",
         "user@here.test", ok},
        {"smtpd_sender_restrictions = check_sender_access hash:x\n", "a", "list@b.test",
         "user@here.test", "504 5.5.2 <a>: Helo command rejected: need fully-qualified hostname"},
        {"smtpd_sender_restrictions = check_sender_access hash:x\n", "a", "loop@b.test",
         "user@here.test", "451 4.3.5 Server configuration error"},
        {"smtpd_sender_restrictions = check_sender_access hash:x\n", "a", "junk@b.test",
         "user@here.test", "451 4.3.5 Server configuration error"},
        {"smtpd_sender_restrictions = check_sender_access hash:x\n", "a", "", "user@here.test",
         "450 4.7.1 <>: Sender address rejected: no bounces"},
        {"smtpd_data_restrictions = reject\n", "a", "a@b.test", "user@here.test", ok},
    }));
    INFO(row.main_cf << row.helo << ' ' << row.sender << ' ' << row.recipient);
    Fixture f(row.main_cf);
    f.backend.listings["1.0.0.127.bl.test"] = Listing{{"127.0.0.2"}, "bad"};
    f.backend.listings["spam.test.rh.test"] = Listing{{"127.0.0.2"}, ""};
    f.backend.sender_owners["owned@here.test"] = {"anna"};
    f.backend.access_table = {{"127.0.0.1", "REJECT"},
                              {"text@b.test", "551 5.7.9 go away"},
                              {"ok@b.test", "OK"},
                              {"list@b.test", "reject_non_fqdn_helo_hostname, reject"},
                              {"loop@b.test", "check_sender_access hash:x"},
                              {"junk@b.test", "nonsense"},
                              {"<>", "DEFER no bounces"}};
    if (row.reply.empty()) {
        CHECK_FALSE(Gate::open_relay(f.settings).empty());
        return;
    }
    CHECK(Gate::open_relay(f.settings).empty());
    f.connect();
    f.reply();
    f.dialogue({"EHLO " + row.helo, "MAIL FROM:<" + row.sender + ">"});
    CHECK(f.say("RCPT TO:<" + row.recipient + ">") == row.reply);
}

TEST_CASE("restrictions without delay answer at their own command", "[smtpd]") {
    SECTION("client") {
        Fixture f("smtpd_delay_reject = no\nsmtpd_client_restrictions = reject\n");
        f.connect();
        CHECK(f.reply() == "554 5.7.1 <unknown[127.0.0.1]>: Client host rejected: Access denied");
    }
    SECTION("helo, sender") {
        Fixture f(
            "smtpd_delay_reject = no\nsmtpd_helo_restrictions = reject_invalid_helo_hostname\n"
            "smtpd_sender_restrictions = reject_non_fqdn_sender\n");
        f.connect();
        f.reply();
        CHECK(f.say("EHLO a..b").substr(0, 3) == "501");
        CHECK(f.say("EHLO a").substr(0, 3) == "250");
        CHECK(f.say("MAIL FROM:<a@b>").substr(0, 3) == "504");
    }
    SECTION("data, end of data") {
        Fixture f(
            "smtpd_data_restrictions = reject_multi_recipient_bounce\n"
            "smtpd_end_of_data_restrictions = check_client_access hash:x\n");
        f.connect();
        f.reply();
        CHECK(f.dialogue({"EHLO a", "MAIL FROM:<>", "RCPT TO:<user@here.test>",
                          "RCPT TO:<anna@here.test>", "DATA"}) ==
              "550 5.5.3 <DATA>: Data command rejected: Multi-recipient bounce");
        f.say("RSET");
        f.backend.access_table["127.0.0.1"] = "REJECT late";
        CHECK(f.mail("x\r\n.\r\n") == "554 5.7.1 <unknown[127.0.0.1]>: Client host rejected: late");
    }
}

TEST_CASE("access tables can hold, discard and prepend", "[smtpd]") {
    Fixture f("smtpd_recipient_restrictions = check_recipient_access hash:x\n");
    f.connect();
    f.reply();
    f.backend.access_table["user@here.test"] = "PREPEND X-Note: hello";
    f.mail("x\r\n.\r\n");
    f.backend.access_table["user@here.test"] = "HOLD";
    f.mail("x\r\n.\r\n");
    f.backend.access_table["user@here.test"] = "DISCARD";
    CHECK(f.mail("x\r\n.\r\n").substr(0, 3) == "250");
    REQUIRE(f.backend.taken.size() == 2);
    CHECK(f.backend.taken[0].content.find("\r\nX-Note: hello\r\n") != std::string::npos);
    CHECK_FALSE(f.backend.taken[0].message.hold);
    CHECK(f.backend.taken[1].message.hold);
}

TEST_CASE("access tables can send a message elsewhere", "[smtpd]") {
    Fixture f(
        "smtpd_sender_restrictions = check_sender_access hash:x\n"
        "smtpd_recipient_restrictions = check_recipient_access hash:x\n"
        "smtpd_end_of_data_restrictions = check_client_access hash:x\n"
        "content_filter = scan:usual\n");
    auto& table = f.backend.access_table;
    f.connect();
    f.reply();
    f.mail("x\r\n.\r\n");
    table["from@else.test"] = "FILTER scan:[127.0.0.1]:10025";
    f.mail("x\r\n.\r\n");
    table["user@here.test"] = "BCC copy@here.test";
    f.mail("x\r\n.\r\n");
    table["127.0.0.1"] = "REDIRECT only@here.test";
    f.mail("x\r\n.\r\n");
    table = {{"from@else.test", "FILTER nothing"}, {"user@here.test", "REDIRECT nobody"}};
    f.mail("x\r\n.\r\n");
    table = {{"127.0.0.1", "PREPEND X-Late: 1"}, {"user@here.test", "PREPEND X-Soon: 1"}};
    f.mail("x\r\n.\r\n");
    const auto& taken = f.backend.taken;
    REQUIRE(taken.size() == 6);
    CHECK(taken[0].message.filter == "scan:usual");
    CHECK(taken[1].message.filter == "scan:[127.0.0.1]:10025");
    REQUIRE(taken[2].message.recipients.size() == 2);
    CHECK(taken[2].message.recipients[1].address == "copy@here.test");
    CHECK(taken[2].message.recipients[1].notify == smtp::notify::kNever);
    REQUIRE(taken[3].message.recipients.size() == 1);
    CHECK(taken[3].message.recipients[0].address == "only@here.test");
    CHECK(taken[3].message.filter.empty());
    CHECK(taken[4].message.filter == "scan:usual");
    CHECK(taken[4].message.recipients[0].address == "user@here.test");
    CHECK(taken[5].content.starts_with("X-Late: 1\r\nReceived: "));
    CHECK(taken[5].content.find("\r\nX-Soon: 1\r\n") != std::string::npos);
}

TEST_CASE("a list with a name that is not in the language is an error", "[smtpd]") {
    Settings settings;
    const auto problems =
        conf::load_text(settings, "smtpd_client_restrictions = permit, reject_unknown_helo\n");
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].line == 1);
    CHECK(problems[0].text.find("reject_unknown_helo") != std::string::npos);
    for (const std::string bad :
         {"check_client_access", "check_client_access plain", "reject_rbl_client",
          "reject_rbl_client a..b", "sleep x", "sleep 99999", "reject_unauth_destinatoin"}) {
        std::vector<std::string> words = conf::parse_list(bad);
        CHECK_FALSE(parse_restrictions(words, Stage::client));
    }
}

TEST_CASE("an open relay is an error in the line that makes it", "[smtpd]") {
    const std::string text = "myhostname = a.test\nsmtpd_relay_restrictions = permit_mynetworks\n";
    const conf::MainCf main_cf = conf::MainCf::parse(text, "main.cf");
    Settings settings;
    REQUIRE(conf::load(settings, main_cf).empty());
    const auto problems = Gate::review(settings, main_cf);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].line == 2);
    CHECK(Gate::review(Settings(), conf::MainCf()).empty());
}

TEST_CASE("DNS list filters select answers [RFC 5782 2.1]", "[smtpd]") {
    CHECK(dnsbl_matches("a.test", "127.0.0.2"));
    CHECK_FALSE(dnsbl_matches("a.test", "192.0.2.1"));
    CHECK(dnsbl_matches("a.test=127.0.0.2", "127.0.0.2"));
    CHECK_FALSE(dnsbl_matches("a.test=127.0.0.2", "127.0.0.3"));
    CHECK(dnsbl_matches("a.test=127.0.[0,2].[4..11]", "127.0.2.11"));
    CHECK_FALSE(dnsbl_matches("a.test=127.0.[0,2].[4..11]", "127.0.1.11"));
    CHECK_FALSE(dnsbl_matches("a.test=127.0", "127.0.0.1"));
    CHECK_FALSE(dnsbl_matches("a.test=[127.0.0.1", "127.0.0.1"));
    CHECK(dnsbl_domain("a.test=127.0.0.2") == "a.test");
}

TEST_CASE("nothing that a client says breaks out of the Received: field", "[smtpd]") {
    Client client;
    client.address = *Address::from_ip("2001:db8::1");
    client.helo = "a)\r\nEvil: <x> (";
    client.esmtp = true;
    TraceFacts facts{client, "mx.here.test", "Facteur", "ID", {}, {}};
    const std::string field = received_field(facts);
    CHECK(field.starts_with("Received: from a???Evil:??x???"));
    CHECK(field.find("(unknown [IPv6:2001:db8::1])\r\n\tby mx.here.test (Facteur) with ESMTP id "
                     "ID;\r\n\t") != std::string::npos);
    CHECK(message_id_of("A: b\r\nmessage-id:\r\n <c@d>\r\n\r\n") == "<c@d>");
    CHECK(message_id_of("A: b\r\n\r\nMessage-ID: <c@d>\r\n").empty());
}
