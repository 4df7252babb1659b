#include <catch2/catch.hpp>

#include "lmtp-local/command.h"
#include "lmtp-local/fake_house.h"
#include "lmtp-local/pipe_form.h"
#include "lmtp-local/pipe_options.h"

namespace facteur::lmtp_local {
namespace {

using Words = std::vector<std::string>;

PipeOptions options_of(Words words) {
    auto options = parse_pipe_options(words);
    INFO((options ? "" : options.error().text));
    REQUIRE(options);
    return *options;
}

ipc::Job job_to(const Words& recipients) {
    ipc::Job job;
    job.queue_id = "25X0XRG6MF401113";
    job.sender = "Ann Lee@Example.ORG";
    job.nexthop = "Next.Hop";
    job.size = 42;
    job.login = "ann";
    for (const std::string& address : recipients) {
        ipc::JobRecipient recipient;
        recipient.address = address;
        job.recipients.push_back(recipient);
    }
    return job;
}

Words arguments_of(const std::string& flags, const Words& argv, const Words& recipients) {
    Words words = {"flags=" + flags, "user=nobody", "argv=/bin/x"};
    words.insert(words.end(), argv.begin(), argv.end());
    Words out = pipe_arguments(options_of(words), job_to(recipients), "+-");
    REQUIRE(out.front() == "/bin/x");
    out.erase(out.begin());
    return out;
}

TEST_CASE("attributes of a pipe transport are read as pipe(8) does", "[lmtp-local]") {
    const PipeOptions options =
        options_of({"flags=DRhuX.>", "user=vmail:mail", "directory=/tmp", "chroot=/srv",
                    "eol=\\r\\n\\0411", "null_sender=", "size=100", "argv=/bin/x", "-oi", "a=b"});
    CHECK(options.delivered_to);
    CHECK(options.return_path);
    CHECK(options.fold_domain);
    CHECK(options.fold_local);
    CHECK(options.final_delivery);
    CHECK(options.dots);
    CHECK(options.quote_from);
    CHECK_FALSE(options.blank_line);
    CHECK_FALSE(options.quote);
    CHECK(options.user == "vmail");
    CHECK(options.group == "mail");
    CHECK(options.directory == "/tmp");
    CHECK(options.chroot == "/srv");
    CHECK(options.eol == "\r\n!1");
    CHECK(options.sender("").empty());
    CHECK(options.size_limit == 100);
    CHECK(options.argv == Words{"/bin/x", "-oi", "a=b"});
    CHECK(options_of({"user=a", "argv=x"}).sender("") == "MAILER-DAEMON");
    CHECK(options_of({"flags=Bz", "user=a", "argv=x"}).warnings ==
          Words{"flags: unknown flag z (ignored)"});
}

TEST_CASE("attributes that make no sense are told", "[lmtp-local]") {
    auto [words, expected] = GENERATE(Catch::Generators::table<Words, std::string>({
        {{"user=a"}, "missing argv="},
        {{"argv=/bin/x"}, "missing user="},
        {{"user=a", "argv="}, "missing argv="},
        {{"user=a", "colour=red", "argv=/x"}, "unknown attribute name: colour"},
        {{"user=a", "/bin/x"}, "attribute without value: /bin/x"},
        {{"user=a", "size=big", "argv=/x"}, "bad size="},
        {{"user=a", "directory=tmp", "argv=/x"}, "not an absolute path: tmp"},
        {{"user=a", "argv=/x", "${recipent}"}, "unknown macro name: \"recipent\""},
        {{"user=a", "argv=/x", "${size?{$who}}"}, "unknown macro name: \"who\""},
        {{"user=a", "argv=/x", "a$"}, "unknown macro name: \"\""},
    }));
    auto options = parse_pipe_options(words);
    REQUIRE_FALSE(options);
    CHECK(options.error().text.starts_with(expected));
}

TEST_CASE("macros become arguments, those of recipients once for each", "[lmtp-local]") {
    const Words two = {"Tim+Lists@Host.Test", "\"odd\" one@b.test"};
    auto [flags, argv, expected] =
        GENERATE_COPY(Catch::Generators::table<std::string, Words, Words>({
            {"", {"-f", "$sender", "--"}, {"-f", "Ann Lee@Example.ORG", "--"}},
            {"q", {"${sender}"}, {"\"Ann Lee\"@Example.ORG"}},
            {"", {"${recipient}"}, two},
            {"hqu",
             {"-d", "$(recipient)"},
             {"-d", "tim+lists@host.test", "\"\\\"odd\\\" one\"@b.test"}},
            {"", {"u=${user} e=${extension}"}, {"u=Tim e=Lists", "u=\"odd\" one e="}},
            {"u", {"$mailbox at $domain"}, {"tim+lists at Host.Test", "\"odd\" one at b.test"}},
            {"h",
             {"$nexthop", "$original_recipient"},
             {"next.hop", "Tim+Lists@host.test", "\"odd\" one@b.test"}},
            {"", {"$queue_id/$size/$sasl_username"}, {"25X0XRG6MF401113/42/ann"}},
            {"", {"$$size $$(size)", "${sasl_sender?{x}:{none}}"}, {"$size $(size)", "none"}},
            {"", {"; rm -rf $client_helo"}, {"; rm -rf "}},
        }));
    CHECK(arguments_of(flags, argv, two) == expected);
}

TEST_CASE("a recipient without user part leaves the word with $user out", "[lmtp-local]") {
    CHECK(arguments_of("", {"-a", "$user", "-m", "$extension"}, {"+news@a.test"}) ==
          Words{"-a", "-m", "news"});
    CHECK(arguments_of("", {"$user"}, {"tim"}) == Words{"tim"});
}

TEST_CASE("lines are made as flags . and > and eol= say", "[lmtp-local]") {
    const std::string text = ".a\nFrom b\nFrog\nFrom\n..\nx From \n";
    auto all = [&text](PipeForm form, std::size_t piece) {
        std::string out;
        for (std::size_t at = 0; at < text.size(); at += piece)
            out += form.encode(std::string_view(text).substr(at, piece));
        return out;
    };
    auto piece = GENERATE(1, 2, 3, 1000);
    CHECK(all(PipeForm("\n", false, false), piece) == text);
    CHECK(all(PipeForm("\n", true, false), piece) == "..a\nFrom b\nFrog\nFrom\n...\nx From \n");
    CHECK(all(PipeForm("\r\n", false, true), piece) ==
          ".a\r\n>From b\r\nFrog\r\nFrom\r\n..\r\nx From \r\n");
}

class Pipe {
public:
    Result<std::string> run(const Words& argv) {
        task.argv = argv;
        task.offset = 2;
        task.size = content.size() - 2;
        Fd file = FakeHouse::memory_file(content);
        return run_pipe(task, file.get(), -1);
    }
    std::string content = "xxSubject: a\r\n\r\nFrom me\r\n.";
    PipeTask task = [] {
        PipeTask made;
        made.environment = {"PATH=/usr/bin:/bin", "A=b"};
        made.seconds = 20;
        made.output_limit = 1000;
        return made;
    }();
};

TEST_CASE_METHOD(Pipe, "a command gets the message and its output is kept", "[lmtp-local]") {
    CHECK(run({"cat"}).value() == "Subject: a\n\nFrom me\n.");
    task.from_line = "From me  today";
    task.prefix = "Return-Path: <a@b>\r\n";
    task.quote_from = task.dots = task.blank_line = true;
    task.eol = "|";
    CHECK(run({"cat"}).value() == "From me  today|Return-Path: <a@b>|Subject: a||>From me|..||");
    CHECK(run({"sh", "-c", "echo $A; cat >/dev/null"}).value() == "b");
    task.output_limit = 3;
    CHECK(run({"echo", "12345"}).value() == "123");
    task.directory = "/usr";
    task.output_limit = 1000;
    CHECK(run({"pwd"}).value() == "/usr");
}

TEST_CASE_METHOD(Pipe, "what a command ends with says what becomes of the mail", "[lmtp-local]") {
    auto text = [](const Result<std::string>& said) {
        return said ? "" : said.error().status + " " + said.error().text;
    };
    CHECK(text(run({"sh", "-c", "echo no such user; exit 67"})) ==
          "5.1.1 user unknown. Command output: no such user");
    CHECK(text(run({"sh", "-c", "echo 4.2.2 full; exit 1"})) == "4.2.2 full");
    CHECK(text(run({"sh", "-c", "kill -9 $$"})) == "4.3.0 Command died with signal 9: \"sh\"");
    CHECK(text(run({"/nonexistent/x"})) ==
          "4.3.0 temporary failure. Command output: cannot run /nonexistent/x: No such file or "
          "directory");
    task.seconds = 1;
    CHECK(text(run({"sleep", "100"})) == "5.3.0 Command time limit exceeded: \"sleep\"");
    task.directory = "/nonexistent";
    CHECK(text(run({"true"})).starts_with("4.3.0 change to /nonexistent: "));
}

}  // namespace
}  // namespace facteur::lmtp_local
