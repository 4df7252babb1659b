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
         "450 4.3.2 <user@here.test>: Recipient address rejected: Try again later"},
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
        {"smtpd_sasl_auth_enable = yes\nsmtpd_sender_restrictions = "
         "reject_sender_login_mismatch\n",
         "a", "owned@here.test", "user@here.test",
         "553 5.7.1 <owned@here.test>: Sender address rejected: not logged in"},
        {"smtpd_sender_restrictions = reject_authenticated_sender_login_mismatch\n", "a",
         "owned@here.test", "user@here.test", ok},
        {recipient + "reject_non_fqdn_recipient\n", "a", "a@b.test", "user",
         "504 5.5.2 <user>: Recipient address rejected: need fully-qualified address"},
        {recipient + "reject_non_fqdn_recipient\n", "a", "a@b.test", "Postmaster", ok},
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
    CHECK(f.backend.taken[0].content.starts_with("X-Note: hello\r\nReceived: "));
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
    CHECK(taken[5].content.starts_with("X-Late: 1\r\nX-Soon: 1\r\nReceived: "));
}

TEST_CASE("policy servers are asked with all attributes", "[smtpd]") {
    Fixture f(
        "smtpd_recipient_restrictions = check_policy_service { inet:127.0.0.1:1, timeout=7s, "
        "policy_context=mx, { default_action = 450 4.7.9 later }, try_limit=1 }\n"
        "smtpd_end_of_data_restrictions = check_policy_service unix:private/end\n");
    f.backend.policy_servers = {{"inet:127.0.0.1:1", "PREPEND X-Grey: yes"},
                                {"unix:private/end", "DUNNO"}};
    f.connect();
    f.reply();
    CHECK(f.mail("x\r\n.\r\n").substr(0, 3) == "250");
    const auto& asked = f.backend.delegated;
    REQUIRE(asked.size() == 2);
    CHECK(asked[0].timeout == 7);
    CHECK(asked[0].tries == 1);
    CHECK(asked[0].max_idle == 300);
    CHECK(asked[1].tries == 2);
    const auto value = [](const ipc::Delegate& question, const std::string& name) {
        for (const std::string& line : question.attributes)
            if (line.starts_with(name + "=")) return line.substr(name.size() + 1);
        return std::string("missing");
    };
    const std::pair<std::string, std::string> expected[] = {
        {"request", "smtpd_access_policy"},
        {"protocol_state", "RCPT"},
        {"protocol_name", "ESMTP"},
        {"client_address", "127.0.0.1"},
        {"client_name", "unknown"},
        {"reverse_client_name", "unknown"},
        {"server_address", "127.0.0.1"},
        {"helo_name", "client.test"},
        {"sender", "from@else.test"},
        {"recipient", "user@here.test"},
        {"recipient_count", "0"},
        {"queue_id", ""},
        {"size", "0"},
        {"encryption_keysize", "0"},
        {"policy_context", "mx"},
    };
    for (const auto& [name, text] : expected) {
        INFO(name);
        CHECK(value(asked[0], name) == text);
    }
    CHECK(value(asked[1], "protocol_state") == "END-OF-MESSAGE");
    CHECK(value(asked[1], "recipient_count") == "1");
    CHECK(value(asked[1], "size") == "3");
    CHECK_FALSE(value(asked[1], "queue_id").empty());
    CHECK(value(asked[1], "instance") == value(asked[0], "instance"));
    REQUIRE(f.backend.taken.size() == 1);
    CHECK(f.backend.taken[0].content.starts_with("X-Grey: yes\r\nReceived: "));
    // A server that fails: the default action, also one that would ask it again.
    f.backend.policy_servers.clear();
    CHECK(f.dialogue({"MAIL FROM:<a@b.test>", "RCPT TO:<user@here.test>"}) ==
          "450 4.7.9 <user@here.test>: Recipient address rejected: later");
}

TEST_CASE("a policy server that fails leads to the default action", "[smtpd]") {
    using Row = std::pair<std::string, std::string>;
    const auto [action, reply] = GENERATE(values<Row>({
        {"",
         "451 4.3.5 <user@here.test>: Recipient address rejected: Server configuration "
         "problem"},
        {"smtpd_policy_service_default_action = DUNNO\n", "250 2.1.5 Ok"},
        {"smtpd_policy_service_default_action = check_policy_service inet:again:1\n",
         "451 4.3.5 <user@here.test>: Recipient address rejected: Server configuration problem"},
    }));
    Fixture f("smtpd_recipient_restrictions = check_policy_service inet:localhost:1\n" + action);
    f.connect();
    f.reply();
    CHECK(f.dialogue({"EHLO a", "MAIL FROM:<a@b.test>", "RCPT TO:<user@here.test>"}) == reply);
}

TEST_CASE("restriction classes stand for their lists", "[smtpd]") {
    Fixture f(
        "smtpd_restriction_classes = strict, lax, round\n"
        "strict = reject_non_fqdn_helo_hostname, hash:x\n"
        "lax = permit\n"
        "round = round\n"
        "smtpd_sender_restrictions = check_sender_access hash:x, strict\n");
    f.connect();
    f.reply();
    auto& table = f.backend.access_table;
    table = {{"a@b.test", "lax"}, {"c@b.test", "round"}, {"d@b.test", "REJECT in class"}};
    const auto rcpt = [&](const std::string& helo, const std::string& from) {
        return f.dialogue(
            {"RSET", "EHLO " + helo, "MAIL FROM:<" + from + ">", "RCPT TO:<user@here.test>"});
    };
    CHECK(rcpt("a", "a@b.test") == "250 2.1.5 Ok");
    CHECK(rcpt("a", "x@b.test") ==
          "504 5.5.2 <a>: Helo command rejected: need fully-qualified hostname");
    CHECK(rcpt("a.test", "c@b.test") == "451 4.3.5 Server configuration error");
    CHECK(rcpt("a.test", "d@b.test") == "554 5.7.1 <d@b.test>: Sender address rejected: in class");
    CHECK(Gate::review(f.settings, conf::MainCf()).empty());
}

TEST_CASE("what is wrong with a restriction class is told with its line", "[smtpd]") {
    const std::string text =
        "smtpd_restriction_classes = one two\none = permit, rejekt\n"
        "smtpd_client_restrictions = two\n";
    const conf::MainCf main_cf = conf::MainCf::parse(text, "main.cf");
    Settings settings;
    REQUIRE(conf::load(settings, main_cf).empty());
    const auto problems = Gate::review(settings, main_cf);
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].line == 2);
    CHECK(problems[0].text.find("rejekt") != std::string::npos);
    CHECK(problems[1].line == 1);
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
          "reject_rbl_client a..b", "sleep x", "sleep 99999", "check_policy_service",
          "check_policy_service tcp:a:1", "check_policy_service { inet:a:1, nonsense = 2 }",
          "check_policy_service { inet:a:1, timeout = soon }", "reject_unauth_destinatoin",
          "reject_maps_rbl"}) {
        std::vector<std::string> words = conf::parse_list(bad);
        CHECK_FALSE(parse_restrictions(words));
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
}
