#include "lmtp-local/command.h"

#include <csignal>

#include <sys/wait.h>
#include <sysexits.h>

#include "lmtp-local/fake_house.h"
#include "lmtp-local/macros.h"

namespace facteur::lmtp_local {
namespace {

int exited(int code) {
    return W_EXITCODE(code, 0);
}

TEST_CASE("how a command ended says what becomes of the mail [sysexits.h, local(8)]",
          "[lmtp-local]") {
    auto [status, output, expected] =
        GENERATE(Catch::Generators::table<int, std::string, std::string>({
            {exited(EX_OK), "whatever", ""},
            {exited(EX_TEMPFAIL), "", "4.3.0 temporary failure"},
            {exited(EX_NOUSER), "no tim\n", "5.1.1 user unknown. Command output: no tim"},
            {exited(EX_NOPERM), "", "5.7.0 permission denied"},
            {exited(EX_CONFIG), "", "5.3.5 local configuration error"},
            {exited(EX_CANTCREAT), "", "5.2.0 can't create user output file"},
            {exited(1), "", "5.3.0 Command died with status 1: \"/bin/x y\""},
            {exited(127), "sh: x: not found\n",
             "5.3.0 Command died with status 127: \"/bin/x y\". Command output: sh: x: not found"},
            {exited(1), "4.2.2 full today\n", "4.2.2 full today"},
            {exited(EX_TEMPFAIL), "5.7.1 never", "5.7.1 never"},
            {exited(1), "2.0.0 fine",
             "5.3.0 Command died with status 1: \"/bin/x y\". Command "
             "output: 2.0.0 fine"},
            {exited(1), "5.1234.1 x",
             "5.3.0 Command died with status 1: \"/bin/x y\". Command "
             "output: 5.1234.1 x"},
            {W_EXITCODE(0, SIGKILL), "", "4.3.0 Command died with signal 9: \"/bin/x y\""},
        }));
    INFO(output << " " << status);
    auto judged = judge_command("/bin/x y", Ended{status, false, output});
    CHECK((judged ? "" : judged.error().status + " " + judged.error().text) == expected);
    if (!judged) CHECK(judged.error().is_temporary() == expected.starts_with('4'));
}

TEST_CASE("a command that takes too long is final", "[lmtp-local]") {
    auto judged = judge_command("/bin/x", Ended{W_EXITCODE(0, SIGKILL), true, "so far"});
    REQUIRE_FALSE(judged);
    CHECK_FALSE(judged.error().is_temporary());
    CHECK(judged.error().text == "Command time limit exceeded: \"/bin/x\". Command output: so far");
}

TEST_CASE("a shell is only used where one is needed", "[lmtp-local]") {
    using Words = std::vector<std::string>;
    CHECK(plain_words("/usr/bin/vacation tim") == Words{"/usr/bin/vacation", "tim"});
    CHECK(plain_words("/usr/bin/x -a $EXTENSION").empty());
    CHECK(plain_words("IFS=x exec y").empty());
    CHECK(plain_words("a;b").empty());
    CHECK(plain_words("").empty());
}

TEST_CASE("names in forward_path are expanded [local(8)]", "[lmtp-local]") {
    Macros macros{{"home", "/home/tim"}, {"extension", "a/../b c"}, {"user", ""}};
    auto [text, expected] = GENERATE(Catch::Generators::table<std::string, std::string>({
        {"$home/.forward", "/home/tim/.forward"},
        {"${home}x", "/home/timx"},
        {"$home$nothing", "/home/tim"},
        {"$extension", "a_.._b_c"},
        {"${user?yes}${user:no}", "no"},
        {"${home?{yes}:{no}}${user?{yes}:{no}}", "yesno"},
        {"${home?$home/x}", "/home/tim/x"},
        {"$$home", "$home"},
        {"$", "$"},
    }));
    std::string allowed = "abcdefghijklmnopqrstuvwxyz./";
    INFO(text);
    if (text == "$extension") allowed.pop_back();
    CHECK(expand_macros(text, macros, allowed) == expected);
}

/// Runs a command with a message; what it wrote to the file "out" in its folder.
struct Fixture : FakeHouse {
    Result<void> run_one(const std::string& command, std::int64_t seconds = 10) {
        const std::string text = "Subject: x\r\n\r\nFrom here\r\nend\r\n";
        Fd content = memory_file(text);
        CommandTask task;
        task.command = command;
        task.environment = {"PATH=/usr/bin:/bin", "SENDER=a@b"};
        task.directory = path();
        task.from_line = "From a@b  Mon Jan  1 00:00:00 2024";
        task.prefix = "Return-Path: <a@b>\r\n";
        task.size = text.size();
        task.seconds = seconds;
        task.output_limit = 2000;
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        Fd alive(ends[0]);
        Fd other(ends[1]);
        auto result = run_command(task, content.get(), alive.get());
        REQUIRE(::chdir(path().c_str()) == 0);
        return result;
    }
    std::string out() const { return read(path() + "/out"); }
};

TEST_CASE_METHOD(Fixture, "a command gets the message in Unix form", "[lmtp-local]") {
    REQUIRE(run_one("cat > out"));
    CHECK(out() ==
          "From a@b  Mon Jan  1 00:00:00 2024\nReturn-Path: <a@b>\nSubject: x\n\nFrom here\nend\n");
}

TEST_CASE_METHOD(Fixture, "a command has its environment and no descriptors of ours",
                 "[lmtp-local]") {
    REQUIRE(run_one("env > out; ls -1 /proc/self/fd >> out; true"));
    CHECK(out().find("SENDER=a@b\n") != std::string::npos);
    CHECK(out().find("HOME=") == std::string::npos);
    // 3 is how ls reads that folder.
    CHECK(out().ends_with("\n0\n1\n2\n3\n"));
}

TEST_CASE_METHOD(Fixture, "what a command says and how it ends is told", "[lmtp-local]") {
    auto failed = run_one("echo full >&2; exit 75");
    REQUIRE_FALSE(failed);
    CHECK(failed.error().text == "temporary failure. Command output: full");
    auto missing = run_one("/nonexistent/program");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().status == "5.3.0");
    CHECK(missing.error().text.find("not found") != std::string::npos);
    auto noisy = run_one("yes | head -c 1000000; exit 1");
    REQUIRE_FALSE(noisy);
    CHECK(noisy.error().text.size() < 2000);
}

TEST_CASE_METHOD(Fixture, "a command is killed with its children at its time limit",
                 "[lmtp-local]") {
    auto late = run_one("sleep 600 & echo $! > out; wait", 1);
    REQUIRE_FALSE(late);
    CHECK(late.error().text.starts_with("Command time limit exceeded"));
    const int child = std::stoi(out());
    // Nobody waits for it but init: it is gone or a zombie.
    auto is_alive = [child] {
        std::string stat = read("/proc/" + std::to_string(child) + "/stat");
        return !stat.empty() && stat.find(") Z") == std::string::npos;
    };
    for (int i = 0; i < 1000 && is_alive(); ++i)
        ::usleep(1000);
    CHECK_FALSE(is_alive());
}

TEST_CASE_METHOD(Fixture, "a command's children may go on without it", "[lmtp-local]") {
    REQUIRE(run_one("sleep 5 & true"));
}

}  // namespace
}  // namespace facteur::lmtp_local
