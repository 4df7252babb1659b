#include "imapd/progress.h"

#include "imapd/test_client.h"

using namespace facteur;
using namespace facteur::imapd;

namespace {

Task<void> three_steps(Output& out, bool& done) {
    Progress progress(out, "a", std::chrono::seconds(10));
    co_await progress.step(1, 300);
    Loop::current().advance(std::chrono::seconds(11));
    co_await progress.step(2, 300);
    co_await progress.step(3, 300);
    done = true;
}

}  // namespace

TEST_CASE("who waits long hears how far it is [RFC 9585 4]", "[imapd]") {
    Loop loop;
    auto pair = socket_pair();
    REQUIRE(pair);
    bool done = false;
    Scope scope;
    Stream stream(scope, std::move(pair->second));
    Output out(stream, std::chrono::seconds(10));
    scope.spawn(three_steps(out, done));
    loop.run_until([&done] { return done; });
    char said[200];
    ssize_t count = ::read(pair->first.get(), said, sizeof said);
    REQUIRE(count > 0);
    CHECK(std::string(said, static_cast<std::size_t>(count)) ==
          "* OK [INPROGRESS (\"a\" 2 300)] Still at it.\r\n");
}
