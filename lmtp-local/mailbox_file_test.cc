#include "lmtp-local/mailbox_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lmtp-local/fake_house.h"
#include "lmtp-local/unix_form.h"

namespace facteur::lmtp_local {
namespace {

const std::string kContent = "Subject: x\r\n\r\nFrom here\r\n>From there\r\nFro\r\nend";

struct Fixture : FakeHouse {
    Fixture() {
        task.path = path() + "/box";
        task.from_line = "From a@b  Mon Jan  1 00:00:00 2024";
        task.prefix = "Delivered-To: tim\r\n";
        task.size = kContent.size();
        task.locks = {"fcntl", "dotlock"};
        task.attempts = 2;
        task.delay = 1;
        task.stale = 500;
    }
    Result<void> append() {
        Fd content = memory_file(kContent);
        return append_to_file(task, content.get());
    }
    std::string box() const { return read(path() + "/box"); }
    FileTask task;
    const std::string one =
        "From a@b  Mon Jan  1 00:00:00 2024\nDelivered-To: tim\nSubject: x\n\n>From here\n"
        ">From there\nFro\nend\n\n";
};

TEST_CASE_METHOD(Fixture, "messages are appended in mbox format", "[lmtp-local]") {
    REQUIRE(append());
    CHECK(box() == one);
    REQUIRE(append());
    CHECK(box() == one + one);
    CHECK_FALSE(std::filesystem::exists(task.path + ".lock"));
    struct stat found {};
    REQUIRE(::stat(task.path.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE_METHOD(Fixture, "a mailbox that is locked by others waits", "[lmtp-local]") {
    put(task.path, "");
    SECTION("with a lock file") {
        put(task.path + ".lock", "");
        auto locked = append();
        REQUIRE_FALSE(locked);
        CHECK(locked.error().status == "4.2.0");
        CHECK(std::filesystem::exists(task.path + ".lock"));
        SECTION("which is removed when nobody can be behind it") {
            task.stale = -1;
            REQUIRE(append());
            CHECK(box() == one);
        }
    }
    SECTION("with flock") {
        task.locks = {"flock"};
        Fd other(::open(task.path.c_str(), O_RDWR | O_CLOEXEC));
        REQUIRE(::flock(other.get(), LOCK_EX) == 0);
        CHECK(append().error().status == "4.2.0");
        other.reset();
        CHECK(append());
    }
}

TEST_CASE_METHOD(Fixture, "what is no mailbox is refused", "[lmtp-local]") {
    SECTION("a folder") {
        std::filesystem::create_directory(task.path);
    }
    SECTION("a symbolic link") {
        std::filesystem::create_symlink(path() + "/elsewhere", task.path);
    }
    SECTION("a program") {
        put(task.path, "");
        REQUIRE(::chmod(task.path.c_str(), 0755) == 0);
    }
    SECTION("a file with two names") {
        put(task.path, "");
        std::filesystem::create_hard_link(task.path, task.path + "2");
    }
    auto refused = append();
    REQUIRE_FALSE(refused);
    CHECK_FALSE(refused.error().is_temporary());
    CHECK(refused.error().status == "5.2.0");
    CHECK_FALSE(std::filesystem::exists(path() + "/elsewhere"));
}

TEST_CASE_METHOD(Fixture, "a device takes mail", "[lmtp-local]") {
    task.path = "/dev/null";
    CHECK(append());
    CHECK_FALSE(std::filesystem::exists("/dev/null.lock"));
}

TEST_CASE_METHOD(Fixture, "a mailbox keeps its limit, and its length when something fails",
                 "[lmtp-local]") {
    put(task.path, "old\n");
    task.limit = 40;
    CHECK(append().error().status == "5.2.2");
    task.limit = 0;
    ++task.size;  // there is less than the queue said
    CHECK_FALSE(append());
    CHECK(box() == "old\n");
}

TEST_CASE("line ends become LF, across blocks too", "[lmtp-local]") {
    // One CR LF and one "From " meet the end of a block.
    for (std::size_t pad = 65530; pad < 65540; ++pad) {
        const std::string text = std::string(pad, 'x') + "\r\nFrom x\r\na\rb\r\n";
        Fd content = FakeHouse::memory_file(text);
        std::string out;
        auto put = [&out](std::string_view piece) -> Result<void> {
            out += piece;
            return {};
        };
        REQUIRE(to_unix_form(UnixForm::mailbox, "F", "", content.get(), 0, text.size(), put));
        CHECK((out == "F\n" + std::string(pad, 'x') + "\n>From x\na\rb\n\n"));
    }
}

TEST_CASE("the line between messages survives strange senders", "[lmtp-local]") {
    CHECK(from_line("", 0).starts_with("From MAILER-DAEMON  "));
    CHECK(from_line("a b@c", 0).starts_with("From \"a_b\"@c  "));
}

}  // namespace
}  // namespace facteur::lmtp_local
