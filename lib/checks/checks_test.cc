#include <algorithm>

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/text.h"
#include "lib/checks/inspect.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"

using namespace facteur;
using namespace facteur::checks;

namespace {

/// Rules are substrings: the first that a key holds gives its value.
struct Bench {
    std::vector<std::pair<std::string, std::string>> rules;
    Options options;
    std::vector<std::string> log;
    std::vector<std::string> asked;

    void tables(const std::string& which) {
        for (const auto name : words(which)) {
            if (name == "header") options.tables.header.emplace_back("t:h");
            if (name == "mime") options.tables.mime.emplace_back("t:m");
            if (name == "nested") options.tables.nested.emplace_back("t:n");
            if (name == "body") options.tables.body.emplace_back("t:b");
        }
    }

    Outcome run(const std::string& content) {
        Fd file(memfd_create("content", MFD_CLOEXEC));
        REQUIRE(write_at(file.get(), "##" + content, 0));
        Loop loop;
        Scope scope;
        Result<Outcome> outcome = temporary("not run");
        LookUp look_up = [this](ipc::LookupMany question) { return answer(std::move(question)); };
        Tell tell = [this](const Event& event) {
            log.push_back(std::string(event.action) + " " + std::string(event.part) + " " +
                          event.content + ": " + event.text);
        };
        Source source{file.get(), 2, content.size()};
        scope.spawn(run_into(look_up, tell, source, outcome));
        loop.run_until([&] { return scope.running() == 0; });
        REQUIRE(outcome);
        std::uint64_t size = content.size();
        REQUIRE(apply(file.get(), 2, size, outcome->edits));
        CHECK(size == size_after(content.size(), outcome->edits));
        result.resize(size);
        REQUIRE(read_at(file.get(), result, 2));
        std::string assembled;
        for (const Piece& piece : pieces(content.size(), outcome->edits))
            assembled += piece.text.empty() ? content.substr(piece.at, piece.size) : piece.text;
        CHECK(assembled == result);
        return *std::move(outcome);
    }
    std::string result;

private:
    Task<void> run_into(const LookUp& look_up, const Tell& tell, Source source,
                        Result<Outcome>& out) {
        out = co_await inspect(options, look_up, tell, source);
    }
    Task<Result<ipc::LookupManyReply>> answer(ipc::LookupMany question) {
        ipc::LookupManyReply reply;
        const std::string& table = question.tables.front();
        for (std::size_t i = 0; i < question.keys.size(); ++i) {
            asked.push_back(table.substr(2) + "|" + question.keys[i]);
            for (const auto& [pattern, action] : rules) {
                if (question.keys[i].find(pattern) == std::string::npos) continue;
                reply.found.push_back(static_cast<std::uint32_t>(i));
                reply.values.push_back(action);
                break;
            }
        }
        co_return reply;
    }
};

const std::string kMultipart =
    "Received: by us\r\n"
    "Subject: a\r\n\tfolded one\r\n"
    "Content-Type: multipart/mixed;\r\n boundary=\"b 1\"\r\n"
    "\r\n"
    "preamble\r\n"
    "--b 1\r\n"
    "X-Part: one\r\nContent-Type: text/plain\r\n\r\n"
    "first line\r\nsecond line\r\n"
    "--b 1\r\n"
    "Content-Type: message/rfc822\r\n\r\n"
    "From: inner\r\nMIME-Version: 1.0\r\n\r\ninner body\r\n"
    "--b 1--\r\n"
    "epilogue\r\n";

}  // namespace

TEST_CASE("each part of a message is looked up in its own table", "[checks]") {
    Bench bench;
    bench.tables("header mime nested body");
    const Outcome outcome = bench.run(kMultipart);
    std::sort(bench.asked.begin(), bench.asked.end());
    const std::vector<std::string> expected = {
        "b|--b 1",
        "b|--b 1",
        "b|--b 1--",
        "b|epilogue",
        "b|first line",
        "b|inner body",
        "b|preamble",
        "b|second line",
        "h|Received: by us",
        "h|Subject: a\n\tfolded one",
        "m|Content-Type: message/rfc822",
        "m|Content-Type: multipart/mixed;\n boundary=\"b 1\"",
        "m|Content-Type: text/plain",
        "m|MIME-Version: 1.0",
        "m|X-Part: one",
        "n|From: inner",
    };
    CHECK(bench.asked == expected);
    CHECK(bench.result == kMultipart);
    CHECK(outcome.edits.empty());
    CHECK(kMultipart.substr(outcome.header_end).starts_with("\r\npreamble"));
}

TEST_CASE("actions change the content [header_checks(5)]", "[checks]") {
    auto [rule, action, from, to] =
        GENERATE(table<std::string, std::string, std::string, std::string>({
            {"Received", "IGNORE", "Received: by us\r\n", ""},
            {"Subject", "STRIP gone", "Subject: a\r\n\tfolded one\r\n", ""},
            {"folded one", "REPLACE Subject: new one", "Subject: a\r\n\tfolded one\r\n",
             "Subject: new one\r\n"},
            {"Subject", "PREPEND X-Seen: yes", "Subject: a\r\n", "X-Seen: yes\r\nSubject: a\r\n"},
            {"Subject", "PREPEND no field", "", ""},
            {"Subject", "REPLACE nothing like a field", "", ""},
            {"X-Part", "replace X-Other: two", "X-Part: one\r\n", "X-Other: two\r\n"},
            {"first", "IGNORE", "first line\r\n", ""},
            {"second", "REPLACE other line", "second line\r\n", "other line\r\n"},
            {"inner body", "PREPEND before it", "inner body", "before it\r\ninner body"},
            {"From: inner", "IGNORE", "From: inner\r\n", ""},
            {"epilogue", "UNKNOWN thing", "", ""},
            {"epilogue", "OK", "", ""},
        }));
    INFO(rule << " -> " << action);
    Bench bench;
    bench.tables("header mime nested body");
    bench.rules.emplace_back(rule, action);
    bench.run(kMultipart);
    CHECK(bench.result == replace_all(kMultipart, from.empty() ? "\x01" : from, to));
}

TEST_CASE("several actions, with others in between", "[checks]") {
    Bench bench;
    bench.tables("header body");
    bench.rules = {{"A:", "PREPEND X-1: before A"},
                   {"B:", "IGNORE"},
                   {"C:", "REPLACE C: a much longer text than there was"},
                   {"two", "IGNORE"},
                   {"three", "REPLACE 3"}};
    bench.run("A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\none\r\ntwo\r\nthree\r\nfour\r\n");
    CHECK(bench.result ==
          "X-1: before A\r\nA: 1\r\nC: a much longer text than there was\r\nD: 4\r\n\r\n"
          "one\r\n3\r\nfour\r\n");
}

TEST_CASE("actions decide on the message", "[checks]") {
    Bench bench;
    bench.tables("header body");
    const std::string content = "Subject: a\r\nX-Next: b\r\n\r\nbody\r\n";
    SECTION("REJECT, with its status") {
        bench.rules = {{"Subject", "REJECT 5.7.9 no such mail"}};
        const Outcome outcome = bench.run(content);
        CHECK(outcome.refusal == Refusal{"5.7.9", "no such mail"});
        CHECK(bench.log ==
              std::vector<std::string>{"reject header Subject: a: 5.7.9 no such mail"});
    }
    SECTION("REJECT alone") {
        bench.rules = {{"body", "reject"}};
        CHECK(bench.run(content).refusal == Refusal{"5.7.1", "message content rejected"});
    }
    SECTION("REJECT for now") {
        bench.rules = {{"body", "REJECT 4.7.1 later"}};
        CHECK(bench.run(content).refusal->is_temporary());
    }
    SECTION("DISCARD ends the inspection") {
        bench.rules = {{"Subject", "DISCARD"}, {"X-Next", "REJECT"}};
        const Outcome outcome = bench.run(content);
        CHECK(outcome.discard);
        CHECK_FALSE(outcome.refusal);
    }
    SECTION("PASS ends the inspection") {
        bench.rules = {{"Subject", "PASS trusted"}, {"X-Next", "REJECT"}, {"body", "REJECT"}};
        const Outcome outcome = bench.run(content);
        CHECK(outcome.pass);
        CHECK_FALSE(outcome.refusal);
    }
    SECTION("what is noted; the last FILTER and REDIRECT win, BCC adds up") {
        bench.rules = {
            {"Subject", "FILTER a:b"}, {"X-Next", "FILTER scan:"}, {"body", "HOLD look at it"}};
        const Outcome outcome = bench.run(content);
        CHECK(outcome.filter == "scan:");
        CHECK(outcome.hold);
        bench.rules = {{"Subject", "BCC a@b"}, {"X-Next", "BCC a@b"}, {"body", "BCC c@d"}};
        CHECK(bench.run(content).copies == std::vector<std::string>{"a@b", "c@d"});
        bench.rules = {
            {"Subject", "REDIRECT a@b"}, {"X-Next", "REDIRECT nowhere"}, {"body", "WARN look"}};
        CHECK(bench.run(content).redirect == "a@b");
        CHECK(bench.log.back() == "warning body body: look");
    }
}

TEST_CASE("delivery allows only what changes lines", "[checks]") {
    CHECK_FALSE(parse_action("REJECT", true, Place::delivering));
    CHECK_FALSE(parse_action("BCC a@b", true, Place::delivering));
    CHECK(parse_action("IGNORE", true, Place::delivering));
    CHECK_FALSE(parse_action("PREPEND X: y", true, Place::milter));
    CHECK(parse_action("REDIRECT a@b", true, Place::milter));
    CHECK_FALSE(parse_action("FILTER nothing", true, Place::receiving));
}

TEST_CASE("limits hold", "[checks]") {
    Bench bench;
    bench.tables("header body");
    SECTION("only the start of a segment is looked at") {
        bench.options.body_limit = 10;
        bench.run("A: b\r\n\r\n12345678\r\n12345678\r\n12345678\r\n");
        CHECK(bench.asked.size() == 2);  // the header and the line that begins before the limit
    }
    SECTION("long lines come in pieces") {
        bench.options.walker.line = 10;
        bench.run("A: b\r\n\r\n" + std::string(25, 'x') + "\r\nend\r\n");
        CHECK(bench.asked == std::vector<std::string>{"h|A: b", "b|xxxxxxxxxx", "b|xxxxxxxxxx",
                                                      "b|xxxxx", "b|end"});
    }
    SECTION("long fields are cut") {
        bench.options.walker.header = 20;
        bench.run("A: " + std::string(100, 'y') + "\r\n zzz\r\nB: c\r\n\r\n");
        CHECK(bench.asked == std::vector<std::string>{"h|A: " + std::string(17, 'y'), "h|B: c"});
    }
    SECTION("multiparts do not nest for ever") {
        bench.options.walker.nesting = 3;
        bench.options.walker.report_nesting = true;
        std::string content;
        for (int i = 0; i < 4; ++i)
            content += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) +
                       "\r\n\r\n--b" + std::to_string(i) + "\r\n";
        CHECK(bench.run(content).refusal == Refusal{"5.6.0", "MIME nesting exceeds safety limit"});
    }
}

TEST_CASE("strict about 8-bit text and encodings", "[checks]") {
    Bench bench;
    SECTION("header") {
        bench.options.walker.report_eight_bit_header = true;
        CHECK(bench.run("Subject: \xc3\xa4\r\n\r\nbody\r\n").refusal);
        CHECK_FALSE(bench.run("Subject: a\r\n\r\n\xc3\xa4\r\n").refusal);
    }
    SECTION("body") {
        bench.options.walker.report_eight_bit_body = true;
        CHECK(bench.run("Subject: a\r\n\r\n\xc3\xa4\r\n").refusal);
        CHECK_FALSE(bench.run("Content-Transfer-Encoding: 8bit\r\n\r\n\xc3\xa4\r\n").refusal);
    }
    SECTION("encoding of a multipart") {
        bench.options.walker.report_encoding_domain = true;
        const std::string head = "Content-Type: multipart/mixed; boundary=b\r\n";
        CHECK(bench.run(head + "Content-Transfer-Encoding: base64\r\n\r\n--b\r\n").refusal);
        CHECK_FALSE(bench.run(head + "Content-Transfer-Encoding: 8bit\r\n\r\n--b\r\n").refusal);
    }
    SECTION("characters") {
        bench.options.reject_characters = unescape("\\0\\a");
        CHECK(bench.run("A: b\r\n\r\nbo\ady\r\n").refusal ==
              Refusal{"5.7.1", "disallowed character"});
    }
}

TEST_CASE("fields are dropped and counted", "[checks]") {
    Bench bench;
    bench.options.drop = {"bcc", "return-path"};
    bench.tables("header");
    bench.rules = {{"Date", "IGNORE"}, {"X-Id", "REPLACE Message-ID: <a@b>"}};
    const Outcome outcome = bench.run(
        "Return-Path: <x>\r\nBcc: a@b,\r\n c@d\r\nDate: today\r\nX-Id: 1\r\nTo: you\r\n\r\n");
    CHECK(bench.result == "Message-ID: <a@b>\r\nTo: you\r\n\r\n");
    CHECK_FALSE(outcome.header.date);
    CHECK(outcome.header.message_id);
    CHECK(outcome.header.id == "<a@b>");
    CHECK(outcome.header.recipient);
    CHECK_FALSE(outcome.header.from);
    CHECK(outcome.addresses.size() == 1);
}

TEST_CASE("a header without end, without body, without anything", "[checks]") {
    Bench bench;
    bench.tables("header body");
    const std::string content = GENERATE("", "A: b", "A: b\r\n", "\r\n", "no field\r\nB: c\r\n",
                                         " folded\r\n", "A: b\r\nbody\r\nC: d\r\n\r\n");
    const Outcome outcome = bench.run(content);
    CHECK(bench.result == content);
    CHECK(outcome.header_end <= content.size());
}

TEST_CASE("edits in place, over block limits", "[checks]") {
    std::string content;
    for (int i = 0; i < 40000; ++i)
        content += "line " + std::to_string(i) + "\r\n";
    Fd file(memfd_create("content", MFD_CLOEXEC));
    REQUIRE(write_at(file.get(), content, 0));
    Edits edits;
    edits.push_back(Edit{0, 0, std::string(100000, 'a')});
    edits.push_back(Edit{10, 150000, "b"});
    edits.push_back(Edit{200000, 1, std::string(70000, 'c')});
    edits.push_back(Edit{content.size() - 3, 3, ""});
    std::string expected = std::string(100000, 'a') + content.substr(0, 10) + "b" +
                           content.substr(150010, 49990) + std::string(70000, 'c') +
                           content.substr(200001, content.size() - 200004);
    std::uint64_t size = content.size();
    REQUIRE(apply(file.get(), 0, size, edits));
    REQUIRE(size == expected.size());
    std::string after(size, '\0');
    REQUIRE(read_at(file.get(), after, 0));
    CHECK(after == expected);
    REQUIRE(strip(Source{file.get(), 0, size}, "ac\n", size));
    std::erase_if(expected, [](char c) { return c == 'a' || c == 'c' || c == '\n'; });
    after.resize(size);
    REQUIRE(read_at(file.get(), after, 0));
    CHECK(after == expected);
    CHECK(lseek(file.get(), 0, SEEK_END) == static_cast<off_t>(size));
}
