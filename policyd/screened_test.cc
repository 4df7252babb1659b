#include "policyd/screened.h"

#include <csignal>
#include <cstdlib>
#include <fstream>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/event/loop.h"

using namespace facteur;
using namespace facteur::policyd;

namespace {

struct Folder {
    Folder() {
        char name[] = "/tmp/facteur-policyd-XXXXXX";
        path = ::mkdtemp(name);
    }
    ~Folder() { [[maybe_unused]] int ignored = std::system(("rm -r " + path).c_str()); }
    std::string path;
};

ipc::ScreenRecord record_of(const std::string& client, std::int64_t until) {
    ipc::ScreenRecord record;
    record.found = true;
    record.client_address = client;
    record.pregreet = until;
    return record;
}

Task<void> clean(Screened& screened, std::int64_t oldest,
                 std::pair<std::size_t, std::size_t>& counts, bool& done) {
    counts = co_await screened.clean_once(oldest);
    done = true;
}

}  // namespace

TEST_CASE("a client's record has Postfix's form", "[policyd]") {
    ipc::ScreenRecord record = record_of("", 1);
    record.dnsbl = 2;
    record.bare_newline = 5;
    CHECK(record_text(record) == "1;2;0;0;5");
    const auto parsed = parse_record(std::string_view("1;2;0;0;5\0", 10));
    REQUIRE(parsed);
    CHECK(parsed->bare_newline == 5);
    for (const char* text : {"", "1;2;3;4", "1;2;3;4;5;6", "1;2;3;4;x", "1;2;3;4;-5"})
        CHECK_FALSE(parse_record(text));
}

TEST_CASE("what was remembered is there after a restart", "[policyd]") {
    Folder folder;
    const std::string name = "btree:" + folder.path + "/cache";
    {
        Screened screened;
        screened.open(name);
        CHECK_FALSE(screened.find("192.0.2.1")->found);
        REQUIRE(screened.keep(record_of("192.0.2.1", 77)));
    }
    Screened screened;
    screened.open(name);
    CHECK(screened.find("192.0.2.1")->pregreet == 77);
}

TEST_CASE("a change that was made before a kill is there after it", "[policyd]") {
    Folder folder;
    const std::string name = "btree:" + folder.path + "/cache";
    const pid_t child = ::fork();
    if (child == 0) {
        Screened screened;
        screened.open(name);
        for (int i = 0; i < 1000; ++i)
            if (!screened.keep(record_of("192.0.2." + std::to_string(i), 77))) ::_exit(1);
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    Screened screened;
    screened.open(name);
    CHECK(screened.find("192.0.2.999")->pregreet == 77);
}

TEST_CASE("a file that is no database is set aside", "[policyd]") {
    Folder folder;
    std::ofstream(folder.path + "/cache.db") << "this is no database, whatever its name says\n";
    Screened screened;
    screened.open("btree:" + folder.path + "/cache");
    REQUIRE(screened.keep(record_of("192.0.2.1", 77)));
    CHECK(screened.find("192.0.2.1")->found);
    CHECK(std::ifstream(folder.path + "/cache.damaged.db").good());
}

TEST_CASE("clients that stay away are forgotten", "[policyd]") {
    Folder folder;
    Loop loop;
    Scope scope;
    Screened screened;
    screened.open("btree:" + folder.path + "/cache");
    for (int i = 0; i < 1200; ++i)
        REQUIRE(screened.keep(record_of("client" + std::to_string(i), i % 3 == 0 ? 1000 : 10)));
    std::pair<std::size_t, std::size_t> counts;
    bool done = false;
    scope.spawn(clean(screened, 500, counts, done));
    loop.run_until([&] { return done; });
    CHECK(counts.first == 400);
    CHECK(counts.second == 800);
    CHECK(screened.find("client3")->found);
    CHECK_FALSE(screened.find("client4")->found);
}
