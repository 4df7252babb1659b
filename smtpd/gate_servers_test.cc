// Restrictions that ask about the hosts behind a name, and DNS lists.
#include <catch2/catch.hpp>

#include "smtpd/test_fixture.h"

using namespace facteur;
using namespace facteur::smtpd;
using namespace facteur::smtpd::testing;

TEST_CASE("access tables are asked about the servers of a name", "[smtpd]") {
    struct Row {
        std::string restriction, sender, reply;
    };
    const std::string ok = "250 2.1.5 Ok";
    const std::string by_mx = "554 5.7.1 <a@mx.test>: Sender address rejected: bad exchanger";
    const Row row = GENERATE_COPY(values<Row>({
        {"check_sender_mx_access hash:x", "a@mx.test", by_mx},
        {"check_sender_mx_access hash:x", "a@implicit.test",
         "554 5.7.1 <a@implicit.test>: Sender address rejected: bad network"},
        {"check_sender_mx_access hash:x", "a@null.test", ok},
        {"check_sender_mx_access hash:x", "a@dead.test", ok},
        {"check_sender_mx_access hash:x", "a@[198.51.100.1]",
         "554 5.7.1 <a@[198.51.100.1]>: Sender address rejected: bad network"},
        {"check_sender_a_access hash:x", "a@mx.test", ok},
        {"check_sender_a_access hash:x", "a@implicit.test",
         "554 5.7.1 <a@implicit.test>: Sender address rejected: bad network"},
        {"check_sender_ns_access hash:x", "a@deep.zone.test",
         "554 5.7.1 <a@deep.zone.test>: Sender address rejected: bad server"},
        {"check_sender_ns_access hash:x", "a@[198.51.100.1]", ok},
        {"check_sender_mx_access hash:x", "a@permits.test", "451 4.3.5 Server configuration error"},
        {"check_helo_mx_access hash:x", "a@b.test",
         "554 5.7.1 <mx.test>: Helo command rejected: bad exchanger"},
        {"check_helo_ns_access hash:x", "a@b.test", ok},
        {"check_client_a_access hash:x", "a@b.test",
         "554 5.7.1 <implicit.test[127.0.0.1]>: Client host rejected: bad network"},
        {"check_reverse_client_hostname_ns_access hash:x", "a@b.test",
         "554 5.7.1 <implicit.test[127.0.0.1]>: Client host rejected: bad server"},
        {"check_recipient_mx_access hash:x", "a@b.test", ok},
    }));
    INFO(row.restriction << ' ' << row.sender);
    Fixture f("smtpd_recipient_restrictions = " + row.restriction + "\n");
    f.backend.client.name = "implicit.test";
    f.backend.client.reverse = "x.zone.test";
    f.backend.exchangers = {{"mx.test", {"one.test", "two.test"}},
                            {"null.test", {""}},
                            {"permits.test", {"good.test"}}};
    f.backend.name_servers = {{"zone.test", {"ns.test"}}};
    f.backend.hosts = {{"implicit.test", {"198.51.100.1"}}, {"mx.test", {"192.0.2.5"}}};
    f.backend.access_table = {{"two.test", "REJECT bad exchanger"},
                              {"198.51.100.1", "REJECT bad network"},
                              {"ns.test", "REJECT bad server"},
                              {"good.test", "OK"}};
    f.connect();
    f.reply();
    f.dialogue({"EHLO mx.test", "MAIL FROM:<" + row.sender + ">"});
    CHECK(f.say("RCPT TO:<user@here.test>") == row.reply);
}

TEST_CASE("domains that take no mail are refused [RFC 7505 4.2]", "[smtpd]") {
    Fixture f(
        "smtpd_sender_restrictions = reject_unknown_sender_domain\n"
        "smtpd_recipient_restrictions = permit_mynetworks, reject_unknown_recipient_domain\n"
        "smtpd_relay_restrictions = permit_inet_interfaces, reject\n"
        "unknown_address_tempfail_action = defer\n");
    f.backend.exchangers = {{"null.test", {""}}};
    f.connect();
    f.reply();
    f.say("EHLO a");
    CHECK(f.dialogue({"MAIL FROM:<a@null.test>", "RCPT TO:<user@here.test>"}) ==
          "550 5.7.27 <a@null.test>: Sender address rejected: Domain null.test does not accept "
          "mail (nullMX)");
    CHECK(f.dialogue({"RSET", "MAIL FROM:<a@b.test>", "RCPT TO:<x@null.test>"}) ==
          "556 5.1.10 <x@null.test>: Recipient address rejected: Domain null.test does not accept "
          "mail (nullMX)");
    CHECK(f.dialogue({"RSET", "MAIL FROM:<a@dead.test>", "RCPT TO:<nobody@here.test>"}) ==
          "450 4.1.8 <a@dead.test>: Sender address rejected: Domain not found");
}

TEST_CASE("replies for DNS lists come from templates", "[smtpd]") {
    Fixture f(
        "smtpd_recipient_restrictions = reject_rbl_client one.test, reject_rhsbl_sender two.test\n"
        "default_rbl_reply = $rbl_code 5.7.9 $client for $sender_domain: $rbl_what "
        "${rbl_reason?{why: $rbl_reason}}$missing\n"
        "rbl_reply_maps = hash:x\nmaps_rbl_reject_code = 553\n");
    f.backend.access_table = {{"two.test", "450 see http://two.test/$sender_name"}};
    f.connect();
    f.reply();
    f.say("EHLO a");
    f.backend.listings["1.0.0.127.one.test"] = Listing{{"127.0.0.2"}, "$client $$"};
    CHECK(f.dialogue({"MAIL FROM:<a@b.test>", "RCPT TO:<user@here.test>"}) ==
          "553 5.7.9 unknown[127.0.0.1] for b.test: 127.0.0.1 why: $client $$");
    f.backend.listings.clear();
    f.backend.listings["b.test.two.test"] = Listing{{"127.0.0.2"}, ""};
    CHECK(f.say("RCPT TO:<user@here.test>") == "450 4.7.1 see http://two.test/a");
    f.backend.access_table = {{"two.test", "no code"}};
    CHECK(f.say("RCPT TO:<user@here.test>") ==
          "553 5.7.1 Service unavailable; Sender address [a@b.test] blocked using two.test");
}

TEST_CASE("a list of good clients lets nobody relay", "[smtpd]") {
    Fixture f(
        "smtpd_relay_restrictions = permit_dnswl_client wl.test, reject_unauth_destination\n"
        "smtpd_recipient_restrictions = permit_rhswl_client wl.test, reject\n");
    f.backend.listings["1.0.0.127.wl.test"] = Listing{{"127.0.0.2"}, ""};
    f.connect();
    f.reply();
    f.dialogue({"EHLO a", "MAIL FROM:<a@b.test>"});
    CHECK(f.say("RCPT TO:<x@else.test>") == "554 5.7.1 <x@else.test>: Relay access denied");
    CHECK(f.say("RCPT TO:<user@here.test>") ==
          "554 5.7.1 <user@here.test>: Recipient address rejected: Access denied");
}

TEST_CASE("an address that nobody takes mail for is refused", "[smtpd]") {
    Fixture f(
        "smtpd_sender_restrictions = reject_unverified_sender\n"
        "smtpd_recipient_restrictions = reject_unverified_recipient\n"
        "unverified_recipient_reject_code = 550\n");
    const auto verdict = [&](const std::string& address, ipc::Deliverable status) {
        f.backend.verified[address].status = status;
        f.backend.verified[address].text = "host said: no";
    };
    verdict("good@b.test", ipc::Deliverable::yes);
    verdict("bad@b.test", ipc::Deliverable::no);
    verdict("user@here.test", ipc::Deliverable::yes);
    verdict("anna@here.test", ipc::Deliverable::no);
    verdict("late@b.test", ipc::Deliverable::unknown);
    f.connect();
    f.reply();
    f.say("EHLO a.test");
    const auto talk = [&](const std::string& from, const std::string& to) {
        return f.dialogue({"RSET", "MAIL FROM:<" + from + ">", "RCPT TO:<" + to + ">"});
    };
    CHECK(talk("good@b.test", "user@here.test") == "250 2.1.5 Ok");
    CHECK(talk("", "user@here.test") == "250 2.1.5 Ok");
    CHECK(talk("bad@b.test", "user@here.test") ==
          "450 4.1.7 <bad@b.test>: Sender address rejected: undeliverable address: host said: no");
    CHECK(talk("late@b.test", "user@here.test") ==
          "450 4.1.7 <late@b.test>: Sender address rejected: unverified address: host said: no");
    CHECK(talk("good@b.test", "anna@here.test") ==
          "550 5.1.1 <anna@here.test>: Recipient address rejected: undeliverable address: host "
          "said: no");
    CHECK(talk("none@b.test", "user@here.test") ==
          "450 4.3.0 <none@b.test>: address verification problem");
    CHECK(f.backend.to_verify.front().patience == 9000);
}

TEST_CASE("permit_mx_backup permits where we are an MX host, behind a trusted one", "[smtpd]") {
    struct Row {
        std::string networks, domain;
        bool permitted;
    };
    const Row row = GENERATE(values<Row>({
        {"", "backed.test", true},
        {"198.51.100.0/24", "backed.test", true},
        {"203.0.113.0/24", "backed.test", false},
        {"", "else.test", false},
        {"", "null.test", false},
    }));
    INFO(row.networks << " " << row.domain);
    Fixture f(
        "inet_interfaces = 192.0.2.25\nsmtpd_relay_restrictions = permit_mx_backup, "
        "reject_unauth_destination\npermit_mx_backup_networks = " +
        row.networks + "\n");
    f.backend.exchangers["backed.test"] = {"mx1.test", "mx2.test"};
    f.backend.exchangers["else.test"] = {"mx1.test"};
    f.backend.exchangers["null.test"] = {""};
    f.backend.hosts["mx1.test"] = {"198.51.100.7"};
    f.backend.hosts["mx2.test"] = {"192.0.2.25"};
    f.connect();
    f.reply();
    const std::string reply =
        f.dialogue({"EHLO c", "MAIL FROM:<a@b.test>", "RCPT TO:<x@" + row.domain + ">"});
    CHECK(reply.starts_with(row.permitted ? "250 " : "554 "));
}

TEST_CASE("who reads his mail from an address may send from there", "[smtpd]") {
    Fixture f("smtpd_relay_restrictions = permit_pop_before_smtp, reject_unauth_destination\n");
    f.connect();
    f.reply();
    f.say("EHLO a.test");
    CHECK(f.dialogue({"MAIL FROM:<a@b.test>", "RCPT TO:<x@far.test>"}) ==
          "554 5.7.1 <x@far.test>: Relay access denied");
    f.backend.readers = {"127.0.0.1"};
    CHECK(f.say("RCPT TO:<x@far.test>") == "250 2.1.5 Ok");
}
