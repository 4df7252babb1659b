#include "smtp-client/outgoing.h"

#include "lib/net/dns/filtered_resolver.h"
#include "smtp-client/delivery_fixture_test.h"

using namespace facteur;
using namespace facteur::smtp_client;
using ipc::Outcome;

TEST_CASE("addresses are found where they stand", "[smtp-client]") {
    auto [value, found] = GENERATE(table<std::string, std::string>({
        {" a@b", "a@b|"},
        {" A B <a@b>, c@d (x@y)", "a@b|c@d|"},
        {" \"x@y, z\" <a@b>", "a@b|"},
        {" \"a b\"@c", "\"a b\"@c|"},
        {" group: a@b, c@d;", "a@b|c@d|"},
        {" a@[192.0.2.1]", "a@[192.0.2.1]|"},
        {" undisclosed-recipients:;", ""},
        {" (a (b) \\) c@d) e@f", "e@f|"},
        {" @ a@ @b \"", ""},
    }));
    std::string text;
    for (Span span : address_spans(value))
        text += value.substr(span.at, span.size) + "|";
    INFO(value);
    CHECK(text == found);
}

TEST_CASE_METHOD(Client, "addresses of this site become others [generic(5)]", "[smtp-client]") {
    FakeServer server(scope);
    configure("smtp_generic_maps = hash:/x\n");
    lookups.table["from@here.test"] = "tim@world.test";
    lookups.table["one@there.test"] = "@elsewhere.test";
    text =
        "From: Tim <from@here.test>\r\nTo: one@there.test,\r\n two@there.test\r\n"
        "Subject: from@here.test\r\n\r\nfrom@here.test\r\n";
    auto result = run(hop(server));
    CHECK(result.outcome == Outcome::delivered);
    CHECK(server.count("MAIL FROM:<tim@world.test>") == 1);
    CHECK(server.count("RCPT TO:<one@elsewhere.test>") == 1);
    REQUIRE(server.contents.size() == 1);
    CHECK(server.contents[0] ==
          "From: Tim <tim@world.test>\r\nTo: one@elsewhere.test,\r\n two@there.test\r\n"
          "Subject: from@here.test\r\n\r\nfrom@here.test\r\n");
}

TEST_CASE_METHOD(Client, "header checks on the way out", "[smtp-client]") {
    FakeServer server(scope);
    configure("smtp_header_checks = hash:/x\nsmtp_body_checks = hash:/x\n");
    lookups.table["Received: here"] = "IGNORE";
    lookups.table["Subject: x"] = "REPLACE Subject: y";
    lookups.table["secret"] = "REPLACE *****";
    text = "Received: here\r\nSubject: x\r\n\r\nhello\r\nsecret\r\n";
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    REQUIRE(server.contents.size() == 1);
    CHECK(server.contents[0] == "Subject: y\r\n\r\nhello\r\n*****\r\n");
}

TEST_CASE_METHOD(Client, "replies and results in other words", "[smtp-client]") {
    FakeServer server(scope);
    configure("smtp_reply_filter = pcre:/x\nsmtp_delivery_status_filter = pcre:/y\n");
    server.replies["RCPT"] = "550 5.1.1 unknown";
    lookups.table["550 5.1.1 unknown"] = "450 4.1.1 later";
    auto result = run(hop(server));
    CHECK(result.outcome == Outcome::deferred);
    CHECK(result.status == "4.1.1");
    std::string said = result.status + " " + result.text;
    const auto* words = GENERATE("5.9.9 never", "2.0.0 fine", "nonsense", "5.9.9");
    lookups.table["4.1.1 " + result.text] = words;
    result = run(hop(server));
    bool taken = std::string(words) == "5.9.9 never";
    CHECK(result.outcome == (taken ? Outcome::failed : Outcome::deferred));
    CHECK(result.text.find(taken ? "never" : "later") != std::string::npos);
}

TEST_CASE_METHOD(Client, "limits that a server tells are kept [RFC 9422 4]", "[smtp-client]") {
    FakeServer server(scope);
    to({"a@x.test", "b@x.test", "c@y.test", "d@y.test", "e@y.test"});
    auto [limits, transactions, connections] = GENERATE(table<std::string, int, int>({
        {"RCPTMAX=2", 3, 1},
        {"RCPTDOMAINMAX=1", 2, 1},
        {"MAILMAX=2 RCPTMAX=3", 2, 1},
        {"NONSENSE=1 RCPTMAX=x", 1, 1},
    }));
    server.offers.push_back("LIMITS " + limits);
    run(hop(server));
    INFO(limits);
    for (const auto& result : report.results)
        CHECK(result.outcome == Outcome::delivered);
    CHECK(static_cast<int>(server.contents.size()) == transactions);
    CHECK(server.connections == connections);
}

TEST_CASE_METHOD(Client, "too many recipients come in another transaction [RFC 5321 4.5.3.1.10]",
                 "[smtp-client]") {
    FakeServer server(scope);
    to({"a@x.test", "b@x.test"});
    server.replies["RCPT TO:<b@"] = "452 4.5.3 Too many recipients";
    run(hop(server));
    // It refuses the second one alone, too: then it waits.
    CHECK(server.count("RCPT TO:<b@") == 2);
    CHECK(report.results.at(0).outcome == Outcome::delivered);
    CHECK(report.results.at(1).outcome == Outcome::deferred);
}

TEST_CASE_METHOD(Client, "lines that are too long are broken", "[smtp-client]") {
    FakeServer server(scope);
    if (GENERATE(true, false)) server.offers.push_back("CHUNKING");
    configure("smtp_line_length_limit = 10\n");
    text = "A: b\r\n\r\n0123456789abcdefghijk\r\nshort\r\n";
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.contents.at(0) == "A: b\r\n\r\n0123456789\r\n abcdefghi\r\n jk\r\nshort\r\n");
}

TEST_CASE_METHOD(Client, "SMTPUTF8 is needed for what is more than ASCII only [RFC 6531 3.2]",
                 "[smtp-client]") {
    FakeServer server(scope);
    job.smtputf8 = true;
    SECTION("all is ASCII") {
        CHECK(run(hop(server)).outcome == Outcome::delivered);
    }
    SECTION("only the body is not") {
        text = "Subject: x\r\n\r\n\xc3\xa9\r\n";
        CHECK(run(hop(server)).outcome == Outcome::delivered);
    }
    SECTION("the header is not") {
        text = "Subject: \xc3\xa9\r\n\r\nx\r\n";
        CHECK(run(hop(server)).status == "5.6.7");
    }
    SECTION("the recipient is not") {
        to({"\xc3\xa9@there.test"});
        CHECK(run(hop(server)).status == "5.6.7");
    }
}

TEST_CASE_METHOD(Client, "a filter hears where mail came from", "[smtp-client]") {
    FakeServer server(scope);
    configure("smtp_send_xforward_command = yes\n");
    server.offers.push_back("XFORWARD NAME ADDR PROTO HELO SOURCE");
    job.client_name = "client.test";
    job.client_address = "2001:db8::1";
    job.protocol = "ESMTP";
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.count("XFORWARD NAME=client.test ADDR=IPV6:2001:db8::1 PROTO=ESMTP "
                       "HELO=[UNAVAILABLE] SOURCE=REMOTE") == 1);
}

TEST_CASE_METHOD(Client, "what is known of a server's address", "[smtp-client]") {
    FakeServer server(scope);
    server.offers.push_back("CHUNKING");
    SECTION("extensions to overlook") {
        configure("smtp_discard_ehlo_keyword_address_maps = hash:/x\n");
        lookups.table["127.0.0.1"] = "chunking, 8bitmime";
        run(hop(server));
        CHECK(server.count("BDAT") == 0);
        CHECK(server.count("DATA") == 1);
    }
    SECTION("a firewall that hides it") {
        configure("smtp_pix_workaround_delay_time = 1s\n");
        server.greeting = "220 ********************0******2******";
        run(hop(server));
        CHECK(server.count("EHLO") == 0);
        CHECK(server.count("HELO") == 1);
    }
    SECTION("which may be told to do nothing") {
        configure("smtp_pix_workaround_maps = hash:/x\n");
        server.greeting = "220 *************************2******";
        lookups.table["127.0.0.1"] = "delay_dotcrlf";
        run(hop(server));
        CHECK(server.count("EHLO") == 1);
    }
    SECTION("HELO for everybody") {
        configure("smtp_never_send_ehlo = yes\n");
        run(hop(server));
        CHECK(server.count("EHLO") == 0);
    }
    CHECK(report.results.at(0).outcome == Outcome::delivered);
}

TEST_CASE_METHOD(Client, "records that a filter ignores are not there", "[smtp-client]") {
    resolver.a("mx.test", "192.0.2.1");
    resolver.a("mx.test", "192.0.2.2");
    dns::FilteredResolver filtered(resolver, "smtp_dns_reply_filter", [&](std::string asked) {
        return lookups.find({"pcre:/x"}, ipc::LookupKey::exact, std::move(asked));
    });
    lookups.table["mx.test. 0 IN A 192.0.2.1"] = "ignore";
    bool all = GENERATE(true, false);
    if (all) lookups.table["mx.test. 0 IN A 192.0.2.2"] = "IGNORE";
    around->routing.resolver = &filtered;
    dial.bind4 = Address();
    auto result = run("[mx.test]:1");
    CHECK(result.outcome == Outcome::deferred);
    CHECK((result.text.find("DNS reply filter drops all results") != std::string::npos) == all);
    dns::Record record;
    record.type = dns::Type::mx;
    record.owner = "example.com";
    record.ttl = 300;
    record.preference = 10;
    record.data = "mx.example.com";
    CHECK(dns::filter_text(record) == "example.com. 300 IN MX 10 mx.example.com.");
}
