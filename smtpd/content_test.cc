#include "smtpd/content.h"

#include <catch2/catch.hpp>

#include "smtpd/test_fixture.h"

using namespace facteur;
using namespace facteur::smtpd::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

const std::string kTrusted = "mynetworks = 127.0.0.0/8\n";

/// What the client sent of a content that was taken.
std::string sent_part(const Taken& taken) {
    const std::size_t date = taken.content.find("\r\n\tfor <user@here.test>; ");
    return taken.content.substr(taken.content.find("\r\n", date + 2) + 2);
}

}  // namespace

TEST_CASE("DATA is undone of its transparency, traced and queued", "[smtpd]") {
    Fixture f;
    f.backend.client.name = "client.example";
    f.connect();
    f.reply();
    const std::string reply = f.mail("Subject: hi\r\n\r\n..dot\r\n\r\n.\r\n");
    REQUIRE(f.backend.taken.size() == 1);
    const Taken& taken = f.backend.taken[0];
    CHECK(reply == "250 2.0.0 Ok: queued as " + taken.message.queue_id);
    CHECK_THAT(taken.content,
               StartsWith("Received: from client.test (client.example [127.0.0.1])\r\n\tby "
                          "mx.here.test (Facteur) with ESMTP id " +
                          taken.message.queue_id + "\r\n\tfor <user@here.test>; "));
    CHECK_THAT(taken.content, EndsWith("\r\nSubject: hi\r\n\r\n.dot\r\n\r\n"));
    CHECK(taken.sealed);
    CHECK(taken.message.size == taken.content.size());
    CHECK(taken.message.sender == "from@else.test");
    CHECK(taken.message.recipients.at(0).address == "user@here.test");
    CHECK(taken.message.helo == "client.test");
    CHECK(taken.message.client_name == "client.example");
    CHECK(taken.message.protocol == "ESMTP");
    CHECK(f.say("MAIL FROM:<>") == "250 2.1.0 Ok");
}

TEST_CASE("several recipients are not told of each other", "[smtpd]") {
    Fixture f;
    f.connect();
    f.reply();
    f.dialogue({"EHLO a", "MAIL FROM:<>", "RCPT TO:<user@here.test>", "RCPT TO:<anna@here.test>",
                "DATA", "x\r\n."});
    REQUIRE(f.backend.taken.size() == 1);
    CHECK_THAT(f.backend.taken[0].content, !Contains("user@here"));
    CHECK_THAT(f.backend.taken[0].content,
               Contains("id " + f.backend.taken[0].message.queue_id + ";\r\n\t"));
}

TEST_CASE("no form of bare CR, bare LF or NUL smuggles a message", "[smtpd]") {
    struct Row {
        std::string wire, reply;
    };
    const std::string lf = "550 5.5.2 Error: bare <LF> received";
    const std::string cr = "550 5.5.2 Error: bare <CR> received";
    const Row row = GENERATE_COPY(values<Row>({
        {"a\nb\r\n.\r\n", lf},
        {"a\n.\nMAIL FROM:<evil@else.test>\r\n.\r\n", lf},
        {"a\n.\r\nMAIL FROM:<evil@else.test>\r\n.\r\n", lf},
        {"a\r\n.\nMAIL FROM:<evil@else.test>\r\n.\r\n", lf},
        {"a\r.\r\nMAIL FROM:<evil@else.test>\r\n.\r\n", cr},
        {"a\r\n.\rMAIL FROM:<evil@else.test>\r\n.\r\n", cr},
        {"a\r.\rMAIL FROM:<evil@else.test>\r\n.\r\n", cr},
        {"a\r\r\n.\r\n", cr},
        {std::string("a\0b\r\n.\r\n", 8), "550 5.6.0 Error: NUL byte in message"},
        {std::string("a\r\n\0.\r\nb\r\n.\r\n", 13), "550 5.6.0 Error: NUL byte in message"},
    }));
    INFO(row.wire);
    Fixture f;
    f.connect();
    f.reply();
    CHECK(f.mail(row.wire) == row.reply);
    CHECK(f.backend.taken.empty());
    // One command for one reply: nothing of the content was taken for one.
    CHECK(f.say("NOOP") == "250 2.0.0 Ok");
}

TEST_CASE("a client that ends its data with LF.LF is told, not kept waiting", "[smtpd]") {
    const std::string wire = GENERATE(values<std::string>({"a\n.\n", "a\r\n.\n", "a\n.\r\n"}));
    Fixture f;
    f.connect();
    f.reply();
    CHECK(f.mail(wire) == "550 5.5.2 Error: bare <LF> received");
    CHECK(f.farewell().empty());
}

TEST_CASE("trusted clients with bare LF are put right, and cannot smuggle either", "[smtpd]") {
    Fixture f(kTrusted);
    f.connect();
    f.reply();
    f.mail("a\nb\n.\nc\r\n.\r\n");
    REQUIRE(f.backend.taken.size() == 1);
    CHECK(sent_part(f.backend.taken[0]) == "a\r\nb\r\n.\r\nc\r\n");
}

TEST_CASE("BDAT is taken as it is [RFC 3030]", "[smtpd]") {
    Fixture f;
    f.connect();
    f.reply();
    f.dialogue({"EHLO a", "MAIL FROM:<a@else.test>", "RCPT TO:<user@here.test>"});
    SECTION("chunks") {
        f.send("BDAT 7\r\n.a\r\n..b");
        CHECK(f.reply() == "250 2.0.0 Ok: 7 bytes");
        f.send("BDAT 2 LAST\r\n\r\n");
        CHECK(f.reply().substr(0, 23) == "250 2.0.0 Ok: queued as");
        REQUIRE(f.backend.taken.size() == 1);
        CHECK(sent_part(f.backend.taken[0]) == ".a\r\n..b\r\n");
    }
    SECTION("an empty last chunk") {
        f.send("BDAT 3\r\na\r\n");
        CHECK(f.reply() == "250 2.0.0 Ok: 3 bytes");
        CHECK(f.say("BDAT 0 LAST").substr(0, 3) == "250");
    }
    SECTION("strays, across chunks too") {
        f.send("BDAT 2\r\na\r");
        f.reply();
        f.send("BDAT 1 LAST\r\nb");
        CHECK(f.reply() == "550 5.5.2 Error: bare <CR> received");
        CHECK(f.backend.taken.empty());
    }
    SECTION("pipelined") {
        f.send("BDAT 3\r\na\r\nBDAT 3 LAST\r\nb\r\nNOOP\r\n");
        CHECK(f.reply() == "250 2.0.0 Ok: 3 bytes");
        CHECK(f.reply().substr(0, 3) == "250");
        CHECK(f.reply() == "250 2.0.0 Ok");
    }
}

TEST_CASE("refused chunks are read, and nothing in them is a command [RFC 3030]", "[smtpd]") {
    Fixture f;
    f.connect();
    f.reply();
    f.dialogue({"EHLO a", "MAIL FROM:<a@else.test>"});
    f.send("BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
    CHECK(f.reply() == "554 5.5.1 Error: no valid recipients");
    CHECK(f.reply().substr(0, 3) == "503");
    CHECK(f.reply() == "250 2.0.0 Ok");
}

TEST_CASE("a content that is too big is read to its end and refused", "[smtpd]") {
    Fixture f("message_size_limit = 1000\n");
    f.connect();
    f.reply();
    CHECK(f.mail(std::string(1001, 'a') + "\r\n.\r\n") == "552 5.3.4 Error: message file too big");
    CHECK(f.say("NOOP") == "250 2.0.0 Ok");
    CHECK(f.mail(std::string(998, 'a') + "\r\n.\r\n").substr(0, 3) == "250");
    CHECK(f.backend.taken.size() == 1);
}

TEST_CASE("a client that never ends is cut off in the end", "[smtpd]") {
    Fixture f("message_size_limit = 1000\n");
    f.connect();
    f.reply();
    f.dialogue({"EHLO a", "MAIL FROM:<a@else.test>", "RCPT TO:<user@here.test>"});
    CHECK(f.say("BDAT 99999999999") == "552 5.3.4 Error: message file too big");
    CHECK(f.farewell().empty());
}

TEST_CASE("no limit of size is no limit", "[smtpd]") {
    Fixture f("message_size_limit = 0\n");
    f.connect();
    f.reply();
    f.say("EHLO a");
    CHECK(f.say("MAIL FROM:<a@else.test> SIZE=99999999999") == "250 2.1.0 Ok");
    f.say("RCPT TO:<user@here.test>");
    f.send("BDAT 3 LAST\r\na\r\n");
    CHECK(f.reply().substr(0, 3) == "250");
}

TEST_CASE("what the journal does not take has a file of the queue's", "[smtpd]") {
    Fixture f("queue_journal_message_limit = 100000\n");
    f.connect();
    f.reply();
    std::string content;
    for (int i = 0; i < 4000; ++i)
        content += "line " + std::to_string(i) + " of some length\r\n";
    const std::size_t size = GENERATE(50000u, 70000u, 99000u, 101000u, 1000000u);
    while (content.size() < size)
        content += content;
    content = content.substr(0, size) + "\r\n";
    SECTION("it arrives whole") {
        f.backend.judgement.headers = {"X-Top: 1"};
        CHECK(f.mail(content + ".\r\n").substr(0, 3) == "250");
        REQUIRE(f.backend.taken.size() == 1);
        CHECK(sent_part(f.backend.taken[0]) == content);
        CHECK_THAT(f.backend.taken[0].content, StartsWith("X-Top: 1\r\nReceived: "));
        CHECK(f.backend.taken[0].reserved == (size > 100000));
        CHECK(f.backend.taken[0].sealed == (size <= 100000));
    }
    SECTION("a full disk is a temporary refusal") {
        Error full;
        full.status = "4.3.1";
        f.backend.reserve_error = full;
        const std::string reply = f.mail(content + ".\r\n");
        CHECK(reply.substr(0, 3) == (size > 100000 ? "452" : "250"));
        CHECK(f.say("NOOP") == "250 2.0.0 Ok");
    }
}

TEST_CASE("a file of the queue's is given back when the client leaves", "[smtpd]") {
    Fixture f("queue_journal_message_limit = 1000\n");
    f.connect();
    f.reply();
    f.dialogue({"EHLO a", "MAIL FROM:<a@else.test>", "RCPT TO:<user@here.test>", "DATA"});
    f.send(std::string(200000, 'a'));
    f.hang_up();
    f.farewell();
    CHECK(f.backend.abandoned.size() == 1);
    CHECK(f.backend.taken.empty());
}

TEST_CASE("250 is said only when the queue has it", "[smtpd]") {
    Fixture f;
    f.connect();
    f.reply();
    Error error;
    f.backend.submit_error = error;
    CHECK(f.mail("a\r\n.\r\n") == "451 4.3.0 Error: queue file write error");
    error.status = "4.3.1";
    f.backend.submit_error = error;
    CHECK(f.mail("a\r\n.\r\n") == "452 4.3.1 Insufficient system storage");
    f.backend.submit_error.reset();
    CHECK(f.mail("a\r\n.\r\n").substr(0, 3) == "250");
}

TEST_CASE("too many Received: fields are a loop [RFC 5321 6.3]", "[smtpd]") {
    Fixture f("hopcount_limit = 3\n");
    f.connect();
    f.reply();
    std::string header;
    for (int i = 0; i < 3; ++i)
        header += "Received: by a\r\n";
    CHECK(f.mail(header + "\r\nx\r\n.\r\n").substr(0, 3) == "250");
    CHECK(f.mail(header + "Received: by a\r\n\r\nx\r\n.\r\n") == "554 5.4.0 Error: too many hops");
}

TEST_CASE("our own users' messages get the fields they lack [RFC 6409 8]", "[smtpd]") {
    Fixture f("local_header_rewrite_clients = permit_mynetworks\n" + kTrusted);
    f.connect();
    f.reply();
    f.mail("Subject: a\r\n\r\nx\r\n.\r\n");
    f.mail("Date: b\r\nMessage-ID: <c@d>\r\n\r\nx\r\n.\r\n");
    REQUIRE(f.backend.taken.size() == 2);
    CHECK_THAT(f.backend.taken[0].content,
               Contains("\r\nSubject: a\r\nMessage-Id: <" + f.backend.taken[0].message.queue_id +
                        "@mx.here.test>\r\nDate: "));
    CHECK_THAT(f.backend.taken[0].content, EndsWith("\r\nFrom: from@else.test\r\n\r\nx\r\n"));
    CHECK_THAT(f.backend.taken[1].content, !Contains("Message-Id"));
}

TEST_CASE("a content that only drips ends the session", "[smtpd]") {
    Fixture f("smtpd_timeout = 10s\nsmtpd_min_data_rate = 100\n");
    f.connect();
    f.reply();
    f.dialogue({"EHLO a", "MAIL FROM:<a@else.test>", "RCPT TO:<user@here.test>", "DATA"});
    for (int i = 0; i < 8 && !f.ended(); ++i) {
        f.send("drip\r\n");
        int turns = 0;
        f.run_until([&] { return ++turns > 1 || f.ended(); });
        f.loop.advance(std::chrono::seconds(2));
    }
    CHECK(f.farewell() == "421 4.4.2 mx.here.test Error: timeout exceeded\r\n");
}
