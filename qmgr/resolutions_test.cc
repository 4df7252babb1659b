#include "qmgr/resolutions.h"

#include <catch2/catch.hpp>

using namespace facteur;
using namespace facteur::qmgr;

namespace {

/// addressd as a test wants it: answers when it is let.
class Desk {
public:
    std::vector<ipc::Resolve> asked;
    std::uint32_t keep = 60;
    bool open = true;
    bool broken = false;

    Task<Result<ipc::Resolution>> answer(ipc::Resolve question) {
        asked.push_back(question);
        while (!open)
            co_await opened_.wait(scope);
        if (broken) co_return temporary("table failed");
        ipc::Resolution resolution;
        resolution.sender = question.sender;
        resolution.keep = keep;
        for (const std::string& recipient : question.recipients) {
            ipc::Resolved resolved;
            resolved.original = recipient;
            if (recipient == "bad@x.test") resolved.status = "4.3.0";
            resolution.recipients.push_back(resolved);
        }
        co_return resolution;
    }
    void let() {
        open = true;
        opened_.notify_all();
    }

    Loop loop;

private:
    Signal opened_;

public:
    Scope scope;
    Resolutions resolutions{scope, [this](ipc::Resolve question) { return answer(question); }};
    std::vector<Result<ipc::Resolution>> results;

    Task<void> want(std::vector<std::string> recipients) {
        ipc::Resolve question;
        question.sender = "a@b.test";
        question.recipients = recipients;
        results.push_back(co_await resolutions.resolve(question));
    }
    void spawn(const std::vector<std::string>& recipients) { scope.spawn(want(recipients)); }
    void until(std::size_t count) {
        loop.run_until([&] { return results.size() == count; });
    }
};

}  // namespace

TEST_CASE("what was answered is not asked again while it is fresh", "[qmgr]") {
    Desk desk;
    desk.spawn({"one@x.test", "two@x.test"});
    desk.until(1);
    desk.spawn({"two@x.test", "three@x.test", "one@x.test"});
    desk.until(2);
    REQUIRE(desk.asked.size() == 2);
    CHECK(desk.asked[1].recipients == std::vector<std::string>{"three@x.test"});
    REQUIRE(desk.results[1]);
    REQUIRE(desk.results[1]->recipients.size() == 3);
    CHECK(desk.results[1]->recipients[0].original == "two@x.test");
    CHECK(desk.results[1]->recipients[2].original == "one@x.test");
    desk.loop.advance(Seconds(61));
    desk.spawn({"one@x.test"});
    desk.until(3);
    CHECK(desk.asked.size() == 3);
}

TEST_CASE("a recipient that many messages wait for is asked once", "[qmgr]") {
    Desk desk;
    desk.keep = GENERATE(0u, 60u);
    desk.open = false;
    for (int i = 0; i < 10; ++i)
        desk.spawn({"one@x.test"});
    desk.spawn({"one@x.test", "two@x.test"});
    desk.loop.run_until([&] { return desk.asked.size() == 2; });
    CHECK(desk.asked[1].recipients == std::vector<std::string>{"two@x.test"});
    desk.let();
    desk.until(11);
    CHECK(desk.asked.size() == 2);
    for (const auto& result : desk.results)
        CHECK(result);
}

TEST_CASE("what fails is asked again", "[qmgr]") {
    Desk desk;
    desk.spawn({"bad@x.test"});
    desk.until(1);
    desk.broken = true;
    desk.spawn({"bad@x.test"});
    desk.until(2);
    CHECK(desk.asked.size() == 2);
    CHECK_FALSE(desk.results[1]);
}
