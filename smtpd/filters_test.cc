// The content checks and a milter, in a session.
#include <thread>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/milter/protocol.h"
#include "lib/net/socket.h"
#include "smtpd/test_fixture.h"

using namespace facteur;
using namespace facteur::smtpd;
using namespace facteur::smtpd::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

const std::string kChecks = "header_checks = t:h\nbody_checks = t:b\n";

/// A milter in a thread: it answers each command with the packets of a script.
class FakeMilter {
public:
    std::map<char, std::vector<std::string>> answers;  ///< command -> kind and data
    std::uint32_t protocol = 0;
    std::string heard;   ///< commands in their order
    std::string header;  ///< "name:value\n"
    std::string macros;

    explicit FakeMilter(FakeBackend& backend) {
        int ends[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        backend.filters["inet:127.0.0.1:1"] = Fd(ends[0]);
        socket_ = Fd(ends[1]);
    }
    ~FakeMilter() { wait(); }
    void start() {
        thread_ = std::thread([this] { serve(); });
    }
    void wait() {
        shutdown(socket_.get(), SHUT_RDWR);
        if (thread_.joinable()) thread_.join();
    }

private:
    bool read_all(std::string& bytes) const {
        std::size_t done = 0;
        while (done < bytes.size()) {
            const ssize_t n = read(socket_.get(), bytes.data() + done, bytes.size() - done);
            if (n <= 0) return false;
            done += static_cast<std::size_t>(n);
        }
        return true;
    }
    void answer(std::string_view text) const {
        std::string out;
        milter::put_number(out, static_cast<std::uint32_t>(text.size()));
        out.append(text);
        if (write(socket_.get(), out.data(), out.size()) < 0) return;
    }
    void serve() {
        for (;;) {
            std::string size(4, '\0');
            if (!read_all(size)) return;
            std::string packet(
                static_cast<unsigned char>(size[2]) * 256U + static_cast<unsigned char>(size[3]),
                '\0');
            if (!read_all(packet)) return;
            take(packet);
        }
    }
    void take(const std::string& packet) {
        const char command = packet.front();
        if (command == 'D') {
            macros += packet.substr(1, 1) + ":" + packet.substr(2) + "\n";
            return;
        }
        heard += command;
        if (command == 'O') {
            std::string terms = "O";
            milter::put_number(terms, 6);
            milter::put_number(terms, milter::kAllActions & ~milter::choose_macros);
            milter::put_number(terms, protocol);
            return answer(terms);
        }
        if (command == 'L') {
            std::string line = packet.substr(1);
            line[line.find('\0')] = ':';
            header += line.substr(0, line.size() - 1) + "\n";
        }
        if (command == 'A' || command == 'Q') return;
        const auto script = answers.find(command);
        if (script == answers.end()) return answer("c");
        for (const std::string& each : script->second)
            answer(each);
    }

    Fd socket_;
    std::thread thread_;
};

std::string packet(char kind, std::initializer_list<std::string> strings, int index = -1) {
    std::string out(1, kind);
    if (index >= 0) milter::put_number(out, static_cast<std::uint32_t>(index));
    for (const std::string& text : strings)
        milter::put_string(out, text);
    return out;
}

const std::string kMilter = "smtpd_milters = inet:127.0.0.1:1\n";

}  // namespace

TEST_CASE("content checks decide on a message [header_checks(5)]", "[smtpd]") {
    auto [action, answer] = GENERATE(Catch::Generators::table<std::string, std::string>({
        {"REJECT no such thing", "550 5.7.1 no such thing"},
        {"REJECT 4.7.0 later", "451 4.7.0 later"},
        {"DISCARD", "250 2.0.0 Ok"},
        {"fail", "451 4.3.0 Error"},
        {"IGNORE", "250 2.0.0 Ok"},
    }));
    Fixture f(kChecks);
    f.connect();
    f.reply();
    f.backend.access_table["Subject: bad"] = action;
    CHECK_THAT(f.mail("Subject: bad\r\nTo: x\r\n\r\nx\r\n.\r\n"), StartsWith(answer));
    CHECK(f.backend.taken.size() == (action == "IGNORE" ? 1 : 0));
    if (action == "IGNORE")
        CHECK_THAT(f.backend.taken[0].content, EndsWith("\r\nTo: x\r\n\r\nx\r\n"));
}

TEST_CASE("content checks change a message and its envelope", "[smtpd]") {
    Fixture f(kChecks + "queue_journal_message_limit = 100\n");
    f.connect();
    f.reply();
    f.backend.access_table["one"] = "REPLACE two";
    f.backend.access_table["A: b"] = "FILTER scan:here";
    f.backend.access_table["B: c"] = "BCC copy@here.test";
    f.backend.access_table["C: d"] = "HOLD";
    const std::string long_line(50000, 'x');
    CHECK_THAT(
        f.mail("A: b\r\nB: c\r\nC: d\r\nBcc: secret\r\n\r\none\r\n" + long_line + "\r\n.\r\n"),
        StartsWith("250"));
    REQUIRE(f.backend.taken.size() == 1);
    const auto& taken = f.backend.taken[0];
    CHECK_THAT(taken.content,
               EndsWith("\r\nA: b\r\nB: c\r\nC: d\r\n\r\ntwo\r\n" + long_line + "\r\n"));
    CHECK(taken.message.size == taken.content.size());
    CHECK(taken.message.hold);
    CHECK(taken.message.filter == "scan:here");
    CHECK(taken.message.recipients.size() == 2);
}

TEST_CASE("addresses in the header are completed [ADDRESS_REWRITING_README]", "[smtpd]") {
    const std::string text =
        "From: (a, b) Me <me>\r\nTo: you,\r\n \"x <y>\" <them@else.test>; list\r\nSubject: you\r\n"
        "Date: x\r\nMessage-Id: y\r\n\r\nto: you\r\n.\r\n";
    auto [settings, domain] = GENERATE(Catch::Generators::table<std::string, std::string>({
        {"mynetworks = 127.0.0.0/8\nlocal_header_rewrite_clients = permit_mynetworks\n",
         "here.test"},
        {"remote_header_rewrite_domain = domain.invalid\n", "domain.invalid"},
        {"always_add_missing_headers = yes\n", ""},
    }));
    Fixture f(settings);
    f.connect();
    f.reply();
    CHECK_THAT(f.mail(text), StartsWith("250"));
    REQUIRE(f.backend.taken.size() == 1);
    const std::string at = domain.empty() ? "" : "@" + domain;
    CHECK_THAT(f.backend.taken[0].content,
               EndsWith("\r\nFrom: (a, b) Me <me" + at + ">\r\nTo: you" + at +
                        ",\r\n \"x <y>\" <them@else.test>; list" + at +
                        "\r\nSubject: you\r\nDate: x\r\nMessage-Id: y\r\n\r\nto: you\r\n"));
}

TEST_CASE("receive_override_options leave the checks out", "[smtpd]") {
    Fixture f(kChecks + "receive_override_options = no_header_body_checks\n");
    f.connect();
    f.reply();
    f.backend.access_table["Subject: bad"] = "REJECT";
    CHECK_THAT(f.mail("Subject: bad\r\n\r\nx\r\n.\r\n"), StartsWith("250"));
}

TEST_CASE("a milter hears of everything", "[smtpd]") {
    Fixture f(kMilter);
    FakeMilter milter(f.backend);
    milter.start();
    f.connect();
    f.reply();
    f.mail("Subject: a\r\n folded\r\nTo: b\r\n\r\nx\r\n.\r\n");
    f.say("NONSENSE");
    f.say("QUIT");
    f.farewell();
    milter.wait();
    CHECK(milter.heard == "OCHMRTLLNBEUQ");
    CHECK(milter.header == "Subject:a\n folded\nTo:b\n");
    CHECK_THAT(milter.macros, Contains(std::string("C:j\0mx.here.test\0", 17)));
    CHECK_THAT(milter.macros, Contains("{rcpt_mailer}"));
    CHECK_THAT(milter.macros, Contains("E:i"));
}

TEST_CASE("what a milter does not want to hear is not sent", "[smtpd]") {
    Fixture f(kMilter);
    FakeMilter milter(f.backend);
    milter.protocol = milter::no_connect | milter::no_helo | milter::no_body |
                      milter::no_end_of_headers | milter::no_unknown | milter::no_data |
                      milter::no_header_reply;
    milter.answers['L'] = {};
    milter.start();
    f.connect();
    f.reply();
    CHECK_THAT(f.mail("Subject: a\r\n\r\nx\r\n.\r\n"), StartsWith("250"));
    f.say("QUIT");
    f.farewell();
    milter.wait();
    CHECK(milter.heard == "OMRLEQ");
}

TEST_CASE("a milter refuses", "[smtpd]") {
    auto [command, says, expected] =
        GENERATE(Catch::Generators::table<char, std::string, std::string>({
            {'M', "r", "554 5.5.1 Error: no valid"},  // MAIL is refused, RCPT and DATA with it
            {'R', "t", "554 5.5.1 Error: no valid"},
            {'T', "r", "550 5.7.1 Command rejected"},
            {'L', "t", "451 4.7.1 Service unavailable - try again later"},
            {'N', std::string("y554 5.7.9 no\0", 14), "554 5.7.9 no"},
            {'B', std::string("y554-5.7.9 no\r\n554 5.7.9 never\0", 31), "554-5.7.9 no"},
            {'E', "r", "550 5.7.1 Command rejected"},
            {'E', "d", "250 2.0.0 Ok"},
            {'E', "4", "421 4.7.1 Service"},
            {'E', "Z", "451 4.7.1 Service unavailable - try again later"},
            {'E', "y250 no\0", "451 4.7.1 Service unavailable - try again later"},
        }));
    INFO(command << " " << says);
    Fixture f(kMilter);
    FakeMilter milter(f.backend);
    milter.answers[command] = {says};
    milter.start();
    f.connect();
    f.reply();
    f.say("EHLO a");
    if (command == 'M') {
        CHECK(f.say("MAIL FROM:<a@else.test>") == "550 5.7.1 Command rejected");
    } else if (command == 'R') {
        f.say("MAIL FROM:<a@else.test>");
        CHECK_THAT(f.say("RCPT TO:<user@here.test>"), StartsWith("451 4.7.1"));
        CHECK_THAT(f.say("DATA"), StartsWith(expected));
    } else if (command == 'T') {
        f.dialogue({"MAIL FROM:<a@else.test>", "RCPT TO:<user@here.test>"});
        CHECK_THAT(f.say("DATA"), StartsWith(expected));
    } else {
        CHECK_THAT(f.mail("Subject: a\r\n\r\nx\r\n.\r\n"), StartsWith(expected));
    }
    CHECK(f.backend.taken.empty());
}

TEST_CASE("a milter that is not there", "[smtpd]") {
    auto [action, expected] = GENERATE(Catch::Generators::table<std::string, std::string>({
        {"accept", "250"},
        {"reject", "550"},
        {"tempfail", "451"},
        {"quarantine", "250"},
        {"shutdown", "421"},
    }));
    INFO(action);
    Fixture f("smtpd_milters = { inet:127.0.0.1:1, default_action=" + action + " }\n");
    f.connect();
    const std::string greeting = f.reply();
    if (action == "reject" || action == "shutdown") {
        CHECK_THAT(greeting, StartsWith(expected));
        return;
    }
    CHECK_THAT(greeting, StartsWith("220"));
    if (action == "tempfail") {
        CHECK_THAT(f.say("EHLO a"), StartsWith("250"));
        CHECK_THAT(f.say("VRFY <user@here.test>"), StartsWith(expected));
        CHECK_THAT(f.say("MAIL FROM:<a@else.test>"), StartsWith(expected));
        return;
    }
    CHECK_THAT(f.mail("Subject: a\r\n\r\nx\r\n.\r\n"), StartsWith(expected));
    REQUIRE(f.backend.taken.size() == 1);
    CHECK(f.backend.taken[0].message.hold == (action == "quarantine"));
}

TEST_CASE("a milter changes a message", "[smtpd]") {
    Fixture f(kMilter);
    FakeMilter milter(f.backend);
    milter.answers['E'] = {
        packet('h', {"X-Last", "one\n two"}),
        packet('i', {"X-First", "first"}, 1),
        packet('i', {"X-Second", "second"}, 2),
        packet('m', {"Subject", "new"}, 1),
        packet('m', {"X-Gone", ""}, 2),
        packet('m', {"X-New", "there"}, 1),
        "p",
        packet('e', {"<other@else.test>", "RET=HDRS ENVID=abc"}),
        packet('+', {"<added@here.test>"}),
        packet('2', {"<noted@here.test>", "NOTIFY=NEVER"}),
        packet('-', {"<user@here.test>"}),
        "bnew body\r\n",
        "bof two parts\r\n",
        packet('q', {"looks odd"}),
        "c",
    };
    milter.start();
    f.connect();
    f.reply();
    CHECK_THAT(f.mail("A: b\r\nX-Gone: 1\r\nSubject: old\r\n one\r\nX-Gone: 2\r\n\r\nx\r\n.\r\n"),
               StartsWith("250"));
    REQUIRE(f.backend.taken.size() == 1);
    const auto& taken = f.backend.taken[0];
    CHECK_THAT(taken.content,
               EndsWith("(UTC)\r\nX-First: first\r\nX-Second: second\r\nA: b\r\nX-Gone: 1\r\n"
                        "Subject: new\r\nX-Last: one\r\n two\r\nX-New: there\r\n\r\n"
                        "new body\r\nof two parts\r\n"));
    CHECK(taken.message.size == taken.content.size());
    CHECK(taken.message.sender == "other@else.test");
    CHECK(taken.message.envid == "abc");
    CHECK(taken.message.hold);
    REQUIRE(taken.message.recipients.size() == 2);
    CHECK(taken.message.recipients[0].address == "added@here.test");
    CHECK(taken.message.recipients[1].notify == smtp::notify::kNever);
}
