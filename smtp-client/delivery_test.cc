#include "smtp-client/delivery.h"

#include "smtp-client/delivery_fixture_test.h"

using namespace facteur;
using namespace facteur::smtp_client;
using ipc::Outcome;

TEST_CASE_METHOD(Client, "a message is sent, its dots doubled, and the answer told",
                 "[smtp-client]") {
    FakeServer server(scope);
    auto result = run(hop(server));
    CHECK(result.index == 7);
    CHECK(result.outcome == Outcome::delivered);
    CHECK(result.status == "2.0.0");
    CHECK(result.text == "250 2.0.0 Ok: queued as 1234");
    CHECK(result.relay ==
          "127.0.0.1[" + server.address.ip() + "]:" + std::to_string(server.address.port()));
    REQUIRE(server.contents.size() == 1);
    CHECK(server.contents[0] == "Subject: x\r\n\r\n..dot\r\nline\r\n");
    CHECK(server.commands.at(0) == "EHLO me.test");
    CHECK(server.commands.at(1) == "MAIL FROM:<from@here.test>");
    CHECK(server.commands.at(2) == "RCPT TO:<one@there.test>");
}

TEST_CASE_METHOD(Client, "chunks go as they are [RFC 3030 2]", "[smtp-client]") {
    FakeServer server(scope);
    server.offers.push_back("CHUNKING");
    configure("smtp_line_length_limit = 0\n");
    auto size = GENERATE(1U, 16384U, 16385U, 1000000U);
    text = std::string(size - 1, 'x') + "\n";
    if (size > 1) text[size - 2] = '\r';
    if (size == 1) text = "x";
    auto result = run(hop(server));
    CHECK(result.outcome == Outcome::delivered);
    REQUIRE(server.contents.size() == 1);
    CHECK(server.contents[0] == text);
    CHECK(server.count("BDAT " + std::to_string(size) + " LAST") == 1);
}

TEST_CASE_METHOD(Client, "what is no text in lines goes with DATA", "[smtp-client]") {
    FakeServer server(scope);
    server.offers.push_back("CHUNKING");
    text = "a\nb\r\n";
    run(hop(server));
    CHECK(server.count("BDAT") == 0);
    CHECK(server.contents.at(0) == "a\r\nb\r\n");
}

TEST_CASE_METHOD(Client, "each recipient gets its own result", "[smtp-client]") {
    FakeServer server(scope);
    bool pipelining = GENERATE(true, false);
    bool chunking = GENERATE(true, false);
    server.offers = {"8BITMIME"};
    if (pipelining) server.offers.push_back("PIPELINING");
    if (chunking) server.offers.push_back("CHUNKING");
    server.replies["RCPT TO:<no@"] = "550 5.1.1 <no@there.test>: unknown";
    server.replies["RCPT TO:<later@"] = "450 4.2.0 Greylisted";
    to({"no@there.test", "one@there.test", "later@there.test"});
    run(hop(server));
    auto& results = report.results;
    std::map<unsigned, ipc::RecipientResult> by;
    for (auto& one : results)
        by[one.index] = one;
    CHECK(by[7].outcome == Outcome::failed);
    CHECK(by[7].status == "5.1.1");
    CHECK(by[7].text ==
          "host 127.0.0.1[127.0.0.1] said: 550 5.1.1 <no@there.test>: unknown (in reply to RCPT TO "
          "command)");
    CHECK(by[7].diagnostic == "smtp; 550 5.1.1 <no@there.test>: unknown");
    CHECK(by[8].outcome == Outcome::delivered);
    CHECK(by[9].outcome == Outcome::deferred);
    CHECK(by[9].status == "4.2.0");
    CHECK(server.contents.size() == 1);
    CHECK_FALSE(report.nexthop_failed);
}

TEST_CASE_METHOD(Client, "a refusal is told with the command it answers", "[smtp-client]") {
    FakeServer server(scope);
    auto [command, reply, outcome, status,
          words] = GENERATE(table<std::string, std::string, Outcome, std::string, std::string>({
        {"MAIL", "550 5.7.1 No", Outcome::failed, "5.7.1", "(in reply to MAIL FROM command)"},
        {"MAIL", "451 Later", Outcome::deferred, "4.0.0", "(in reply to MAIL FROM command)"},
        {"RCPT", "550 No", Outcome::failed, "5.0.0", "(in reply to RCPT TO command)"},
        {"DATA", "451 4.3.0 Busy", Outcome::deferred, "4.3.0", "(in reply to DATA command)"},
        {".", "554 5.6.0 Spam", Outcome::failed, "5.6.0", "(in reply to end of DATA command)"},
        {"EHLO", "421 4.3.2 Full", Outcome::deferred, "4.3.2", "refused to talk to me: 421"},
        {"MAIL", "421 4.3.2 Bye", Outcome::deferred, "4.3.2", "(in reply to MAIL FROM command)"},
    }));
    server.replies[command] = reply;
    auto result = run(hop(server));
    INFO(command << " " << reply << ": " << result.text);
    CHECK(result.outcome == outcome);
    CHECK(result.status == status);
    CHECK(result.text.find(words) != std::string::npos);
    CHECK(server.contents.size() == (command == "." ? 1 : 0));
}

TEST_CASE_METHOD(Client, "a greeting that refuses is never final by default", "[smtp-client]") {
    FakeServer server(scope);
    server.greeting = "554 go away";
    auto result = run(hop(server));
    CHECK(result.outcome == Outcome::deferred);
    CHECK(result.status == "4.0.0");
    CHECK(result.text == "host 127.0.0.1[127.0.0.1] refused to talk to me: 554 go away");
    CHECK(report.nexthop_failed);
}

TEST_CASE_METHOD(Client, "a server without EHLO is asked with HELO [RFC 5321 3.2]",
                 "[smtp-client]") {
    FakeServer server(scope);
    server.replies["EHLO"] = "502 5.5.2 what?";
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.commands.at(1) == "HELO me.test");
    CHECK(server.count("MAIL FROM:<from@here.test>") == 1);
}

TEST_CASE_METHOD(Client, "where the connection breaks is told", "[smtp-client]") {
    FakeServer server(scope);
    auto [at, words] = GENERATE(table<std::string, std::string>({
        {"EHLO", "while performing the EHLO handshake"},
        {"MAIL", "while sending MAIL FROM"},
        {"DATA", "while sending DATA command"},
        {".", "while sending end of data -- message may be sent more than once"},
    }));
    server.hang_up_at = at;
    auto result = run(hop(server));
    INFO(result.text);
    CHECK(result.outcome == Outcome::deferred);
    CHECK(result.status == "4.4.2");
    CHECK(result.text.starts_with("lost connection with 127.0.0.1[127.0.0.1] "));
    CHECK(result.text.ends_with(words));
}

TEST_CASE_METHOD(Client, "the next MX is tried, but not after the final dot", "[smtp-client]") {
    FakeServer first(scope, "127.0.0.2");
    resolver.mx("there.test", 10, "a.test");
    resolver.mx("there.test", 20, "b.test");
    resolver.a("a.test", "127.0.0.2");
    resolver.a("b.test", "127.0.0.3");
    // Both on the port that the kernel chose for the first.
    Fd second_listener = *listen_on(*Address::from_ip("127.0.0.3", first.address.port()));
    second_listener.reset();
    std::string nexthop = "there.test:" + std::to_string(first.address.port());
    SECTION("refused connection, then accepted") {
        resolver.answers.clear();
        resolver.mx("there.test", 10, "b.test");
        resolver.mx("there.test", 20, "a.test");
        resolver.a("a.test", "127.0.0.2");
        resolver.a("b.test", "127.0.0.3");
        CHECK(run(nexthop).outcome == Outcome::delivered);
        CHECK(first.contents.size() == 1);
    }
    SECTION("nobody there") {
        auto result = run("b.test:" + std::to_string(first.address.port()));
        CHECK(result.status == "4.4.1");
        CHECK(result.relay == "none");
        CHECK(result.text == "connect to b.test[127.0.0.3]:" +
                                 std::to_string(first.address.port()) + ": Connection refused");
        CHECK(report.nexthop_failed);
    }
    SECTION("lost at the final dot") {
        first.hang_up_at = ".";
        CHECK(run(nexthop).text.starts_with("lost connection with a.test[127.0.0.2]"));
    }
    SECTION("lost behind a chunk whose commands were not answered either") {
        Fd second = *listen_on(*Address::from_ip("127.0.0.3", first.address.port()));
        first.offers.push_back("CHUNKING");
        first.batches = true;
        first.hang_up_at = ".";
        auto result = run(nexthop);
        CHECK(result.text.starts_with("lost connection with a.test[127.0.0.2] while sending end"));
        CHECK(first.contents.size() == 1);
        CHECK(first.connections == 1);
    }
    SECTION("4xx from the better server") {
        first.replies["RCPT"] = "450 4.2.0 later";
        auto result = run(nexthop);
        CHECK(result.outcome == Outcome::deferred);
        CHECK(result.text.starts_with("connect to b.test[127.0.0.3]"));
    }
}

TEST_CASE_METHOD(Client, "a connection serves the next message too", "[smtp-client]") {
    FakeServer server(scope);
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(cache->size() == 1);
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.connections == 1);
    CHECK(server.count("RSET") == 0);
    server.replies["RCPT TO:<bad@"] = "550 5.1.1 no";
    to({"bad@there.test"});
    CHECK(run(hop(server)).outcome == Outcome::failed);
    to({"good@there.test"});
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.connections == 1);
    CHECK(server.count("RSET") == 1);
    loop.advance(Seconds(3));
    loop.run_until([&] { return cache->size() == 0; });
    loop.run_until([&] { return server.count("QUIT") == 1; });
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    CHECK(server.connections == 2);
}

TEST_CASE_METHOD(Client, "a kept connection that died is replaced", "[smtp-client]") {
    FakeServer server(scope);
    CHECK(run(hop(server)).outcome == Outcome::delivered);
    server.hang_up_at = "MAIL";
    start(hop(server));
    loop.run_until([&] { return server.count("MAIL") == 2; });
    server.hang_up_at.clear();
    loop.run_until([this] { return busy == 0; });
    CHECK(report.results.at(0).outcome == Outcome::delivered);
    CHECK(server.connections == 2);
}

TEST_CASE_METHOD(Client, "messages side by side", "[smtp-client]") {
    FakeServer server(scope);
    for (int i = 0; i < 200; ++i)
        start(hop(server));
    loop.run_until([this] { return busy == 0; });
    CHECK(server.contents.size() == 200);
}

TEST_CASE_METHOD(Client, "a server that says nothing times out", "[smtp-client]") {
    FakeServer server(scope);
    server.greeting = "220-never";
    start(hop(server));
    loop.run_until([&] { return server.connections == 1; });
    loop.run_until([this] {
        loop.advance(Seconds(301));
        return busy == 0;
    });
    CHECK(report.results.at(0).text ==
          "conversation with 127.0.0.1[127.0.0.1] timed out while receiving the initial server "
          "greeting");
}

TEST_CASE_METHOD(Client, "what a server cannot take is returned", "[smtp-client]") {
    FakeServer server(scope);
    SECTION("too large [RFC 1870 6.1]") {
        server.offers.push_back("SIZE 10");
        auto result = run(hop(server));
        CHECK(result.status == "5.3.4");
        CHECK(result.outcome == Outcome::failed);
        CHECK(server.count("MAIL") == 0);
    }
    SECTION("international addresses [RFC 6531 3.2]") {
        job.smtputf8 = true;
        job.sender = "\xc3\xa9@here.test";
        CHECK(run(hop(server)).status == "5.6.7");
    }
}

TEST_CASE_METHOD(Client, "8-bit text is converted for a server of 7 bits [RFC 6152 3]",
                 "[smtp-client]") {
    FakeServer server(scope);
    server.offers = {"PIPELINING"};
    SECTION("a body") {
        text = "Subject: x\r\n\r\n\xc3\xa9\r\n";
        CHECK(run(hop(server)).outcome == Outcome::delivered);
        CHECK(server.contents.at(0).ends_with("quoted-printable\r\n\r\n=C3=A9\r\n"));
    }
    SECTION("a header") {
        text = "Subject: \xc3\xa9\r\n\r\nx\r\n";
        auto result = run(hop(server));
        CHECK(result.status == "5.6.3");
        CHECK(result.outcome == Outcome::failed);
        CHECK(server.count("MAIL") == 0);
    }
    SECTION("unless the administrator does not want that") {
        configure("disable_mime_output_conversion = yes");
        text = "Subject: \xc3\xa9\r\n\r\nx\r\n";
        CHECK(run(hop(server)).outcome == Outcome::delivered);
        CHECK(server.contents.at(0) == text);
    }
}

TEST_CASE_METHOD(Client, "parameters are passed on where they are offered", "[smtp-client]") {
    FakeServer server(scope);
    text = "Subject: x\r\n\r\n\xc3\xa9\r\n";
    job.ret = 2;
    job.envid = "QQ314159";
    job.recipients[0].notify = 2 | 4;
    job.recipients[0].orcpt = "rfc822;one@there.test";
    server.offers = {"PIPELINING", "8BITMIME", "SIZE 100000", "DSN"};
    auto result = run(hop(server));
    CHECK(result.dsn_passed_on);
    CHECK(server.count(
              "MAIL FROM:<from@here.test> SIZE=18 BODY=8BITMIME RET=HDRS ENVID=QQ314159") == 1);
    CHECK(server.count("RCPT TO:<one@there.test> NOTIFY=SUCCESS,FAILURE "
                       "ORCPT=rfc822;one@there.test") == 1);
}

TEST_CASE_METHOD(Client, "LMTP answers for each recipient [RFC 2033 4.2]", "[smtp-client]") {
    configure("", Protocol::lmtp);
    FakeServer server(scope);
    server.lmtp = true;
    bool chunking = GENERATE(true, false);
    if (chunking) server.offers.push_back("CHUNKING");
    server.replies[".1"] = "452 4.2.2 Over quota";
    to({"one@there.test", "two@there.test"});
    run("inet:127.0.0.1:" + std::to_string(server.address.port()));
    CHECK(server.commands.at(0) == "LHLO me.test");
    CHECK(report.results.at(0).outcome == Outcome::delivered);
    CHECK(report.results.at(1).outcome == Outcome::deferred);
    CHECK(report.results.at(1).status == "4.2.2");
}

TEST_CASE_METHOD(Client, "logging in", "[smtp-client]") {
    FakeServer server(scope);
    auto [offered, options, outcome, commands] =
        GENERATE(table<std::string, std::string, Outcome, std::string>({
            {"AUTH PLAIN LOGIN", "noanonymous", Outcome::delivered, "AUTH PLAIN AHVzZXIAcGFzcw=="},
            {"AUTH LOGIN", "noanonymous", Outcome::delivered, "AUTH LOGIN"},
            {"AUTH PLAIN", "noplaintext", Outcome::deferred, ""},
            {"AUTH GSSAPI", "noanonymous", Outcome::deferred, ""},
        }));
    configure(
        "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/x\n"
        "smtp_sasl_security_options = " +
        options);
    lookups.table[hop(server)] = "user:pass";
    server.offers.push_back(offered);
    server.replies["AUTH LOGIN"] = "334 VXNlcm5hbWU6";
    server.replies["dXNlcg=="] = "334 UGFzc3dvcmQ6";
    auto result = run(hop(server));
    INFO(result.text);
    CHECK(result.outcome == outcome);
    if (!commands.empty()) CHECK(server.count(commands) == 1);
    if (outcome == Outcome::deferred) CHECK(result.status == "4.7.0");
    server.replies.clear();
    server.replies["AUTH"] = "535 5.7.8 no";
    loop.advance(Seconds(3));
    if (outcome == Outcome::delivered) {
        loop.run_until([&] { return cache->size() == 0; });
        CHECK(run(hop(server)).status == "4.7.8");
    }
}

TEST_CASE_METHOD(Client, "a probe goes as far as RCPT", "[smtp-client]") {
    FakeServer server(scope);
    server.offers = {"8BITMIME", "SIZE 100"};
    if (GENERATE(true, false)) server.offers.push_back("PIPELINING");
    server.replies["RCPT TO:<no@"] = "550 5.1.1 <no@there.test>: unknown";
    job.verify = true;
    text.clear();
    to({"no@there.test", "one@there.test"});
    run(hop(server));
    REQUIRE(report.results.size() == 2);
    CHECK(report.results[0].outcome == Outcome::failed);
    CHECK(report.results[0].status == "5.1.1");
    CHECK(report.results[1].outcome == Outcome::delivered);
    CHECK(server.count("DATA") == 0);
    CHECK(server.count("BDAT") == 0);
    CHECK(server.count("MAIL FROM:<from@here.test>") == 1);
    CHECK(server.contents.empty());
    loop.run_until([&] { return server.count("QUIT") == 1; });
}
