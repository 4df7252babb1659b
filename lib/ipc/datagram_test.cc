#include "lib/ipc/datagram.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace facteur;
using namespace facteur::ipc;

namespace {

struct Pair {
    Pair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        one.reset(ends[0]);
        other.reset(ends[1]);
    }
    Fd one;
    Fd other;
};

/// The number that the next descriptor gets: it grows when one leaks.
int next_descriptor() {
    Fd probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return probe.get();
}

}  // namespace

TEST_CASE("a datagram arrives whole, with its descriptors", "[ipc]") {
    Pair pair;
    CHECK_FALSE(receive_datagram(pair.other.get(), 100));
    Fd file(::memfd_create("x", MFD_CLOEXEC));
    REQUIRE(::write(file.get(), "hello", 5) == 5);
    int fds[] = {file.get(), file.get()};
    REQUIRE(send_datagram(pair.one.get(), std::string_view("name\0a\0b", 8), fds));
    auto datagram = receive_datagram(pair.other.get(), 100);
    REQUIRE(datagram);
    CHECK_FALSE(datagram->end);
    CHECK(datagram->name() == "name");
    CHECK(datagram->body() == std::string_view("a\0b", 3));
    REQUIRE(datagram->fds.size() == 2);
    char text[5];
    REQUIRE(::pread(datagram->take_fd().get(), text, 5, 0) == 5);
    CHECK(std::string_view(text, 5) == "hello");
}

TEST_CASE("what does not fit is told, and leaks no descriptor", "[ipc]") {
    Pair pair;
    int before = next_descriptor();
    SECTION("too long") {
        REQUIRE(send_datagram(pair.one.get(), "0123456789", 0));
        CHECK(receive_datagram(pair.other.get(), 9)->cut);
    }
    SECTION("as long as the limit") {
        REQUIRE(send_datagram(pair.one.get(), "0123456789", 0));
        CHECK(receive_datagram(pair.other.get(), 10)->bytes.size() == 10);
    }
    SECTION("no room for its descriptors") {
        int fds[] = {0, 0, 0};
        REQUIRE(send_datagram(pair.one.get(), "x", fds));
        rlimit old{};
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &old) == 0);
        rlimit tight{static_cast<rlim_t>(before) + 1, old.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
        auto datagram = receive_datagram(pair.other.get(), 10);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &old) == 0);
        CHECK(datagram->cut);
        CHECK(datagram->fds.empty());
    }
    SECTION("the other side is gone") {
        pair.one.reset();
        CHECK(receive_datagram(pair.other.get(), 10)->end);
        before = next_descriptor();
    }
    CHECK(next_descriptor() == before);
}

TEST_CASE("more descriptors than a datagram takes are refused", "[ipc]") {
    Pair pair;
    std::vector<int> fds(Datagram::kMostFds + 1, 0);
    CHECK_FALSE(send_datagram(pair.one.get(), "x", fds));
    CHECK(errno == EMSGSIZE);
}
