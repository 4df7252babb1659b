#include "lmtp-local/forwarding.h"

#include <sys/stat.h>

#include "lib/spool/queue_id.h"
#include "lmtp-local/fake_house.h"

namespace facteur::lmtp_local {
namespace {

using ipc::AliasKind;
using Targets = std::vector<ipc::AliasTarget>;

TEST_CASE("~/.forward is read as local(8) reads it", "[lmtp-local]") {
    auto [text, expected] = GENERATE(Catch::Generators::table<std::string, Targets>({
        {"", {}},
        {"# nothing\n\n", {}},
        {"a@b\n", {{AliasKind::address, "a@b"}}},
        {"a@b, c@d\ntim",
         {{AliasKind::address, "a@b"}, {AliasKind::address, "c@d"}, {AliasKind::address, "tim"}}},
        {"\\tim, a@b # both\n", {{AliasKind::user, "tim"}, {AliasKind::address, "a@b"}}},
        {"\"|/usr/bin/vacation tim, at home\"\n",
         {{AliasKind::command, "/usr/bin/vacation tim, at home"}}},
        {"|/bin/cat\n", {{AliasKind::command, "/bin/cat"}}},
        {"/var/tmp/box\n", {{AliasKind::file, "/var/tmp/box"}}},
        {"\"#not a comment\"@b\n", {{AliasKind::address, "#not a comment@b"}}},
    }));
    INFO(text);
    CHECK(parse_forward(text) == expected);
}

TEST_CASE("a ~/.forward that others can write is ignored", "[lmtp-local]") {
    FakeHouse house;
    auto read = [&] { return read_forward_file(house.path() + "/.forward", Included()); };
    CHECK_FALSE(read());
    house.put(house.path() + "/.forward", "a@b\n");
    REQUIRE(::chmod((house.path() + "/.forward").c_str(), 0644) == 0);
    REQUIRE(read());
    CHECK(read()->size() == 1);
    REQUIRE(::chmod((house.path() + "/.forward").c_str(), 0666) == 0);
    CHECK_FALSE(read());
}

TEST_CASE("a message that came back is known by its Delivered-To", "[lmtp-local]") {
    const std::string text =
        "xxReceived: by a\r\nDelivered-To: Tim@Example.Test\r\nSubject: x\r\n\r\n"
        "Delivered-To: body@example.test\r\n";
    Fd content = FakeHouse::memory_file(text);
    auto came = [&](const std::string& address) {
        return was_delivered_to(content.get(), 2, text.size() - 2, address);
    };
    CHECK(came("tim@example.test"));
    CHECK_FALSE(came("im@example.test"));
    CHECK_FALSE(came("body@example.test"));
}

TEST_CASE("a prefixed copy has the fields, then the content, and cannot be changed",
          "[lmtp-local]") {
    std::string text(300'000, 'x');
    Fd content = FakeHouse::memory_file("--" + text);
    auto copy = prefixed_copy(content.get(), 2, text.size(), "A: b\r\n");
    REQUIRE(copy);
    std::string found(text.size() + 100, '\0');
    ssize_t got = ::pread(copy->get(), found.data(), found.size(), 0);
    REQUIRE(got == static_cast<ssize_t>(text.size() + 6));
    found.resize(static_cast<std::size_t>(got));
    CHECK(found == "A: b\r\n" + text);
    CHECK(::write(copy->get(), "x", 1) < 0);
    SECTION("a content that is cut is an error") {
        CHECK_FALSE(prefixed_copy(content.get(), 2, text.size() + 1, "A: b\r\n"));
    }
}

TEST_CASE("the queue id of what is forwarded follows from the message's", "[lmtp-local]") {
    const std::string id = spool::make_queue_id();
    CHECK(spool::is_queue_id(forwarded_id(id, 0)));
    CHECK(forwarded_id(id, 0) == forwarded_id(id, 0));
    CHECK(forwarded_id(id, 0) != forwarded_id(id, 1));
    CHECK(forwarded_id(id, 0) != id);
    CHECK(forwarded_id(id, 0, "tim") != forwarded_id(id, 0));
}

}  // namespace
}  // namespace facteur::lmtp_local
