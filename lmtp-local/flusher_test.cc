#include "lmtp-local/flusher.h"

#include "lmtp-local/fake_house.h"

namespace facteur::lmtp_local {
namespace {

struct Fixture {
    Loop loop;
    std::vector<std::uint64_t> flushed;
    std::vector<std::uint64_t> lost;
    Flusher flusher{Milliseconds(1000), 3,
                    [this](const std::vector<Flusher::Job>& jobs, const Result<void>& result) {
                        for (const Flusher::Job& job : jobs)
                            (result ? flushed : lost).push_back(job.job);
                    }};

    Fixture() { flusher.scope().spawn(flusher.run()); }
    ~Fixture() {
        flusher.scope().cancel();
        loop.run_until([this] { return flusher.scope().running() == 0; });
    }
    void idle() {
        loop.run_until([this] { return flusher.waiting() == 0; });
    }
};

using Numbers = std::vector<std::uint64_t>;

TEST_CASE_METHOD(Fixture, "jobs are told as flushed after the delay, with one flush",
                 "[lmtp-local]") {
    FakeLetterbox* store = nullptr;
    auto user = fake_user(7, store);
    CHECK(flusher.touched(user) == 7);
    flusher.add({1, "A", {7}});
    flusher.add({2, "B", {7}});
    TimePoint before = loop.now();
    idle();
    CHECK(loop.now() - before >= Milliseconds(900));
    CHECK(flushed == Numbers{1, 2});
    CHECK(store->flushes == 1);
    CHECK(flusher.failed_at() == 0);
}

TEST_CASE_METHOD(Fixture, "many jobs do not wait for the delay", "[lmtp-local]") {
    FakeLetterbox* store = nullptr;
    auto user = fake_user(7, store);
    flusher.touched(user);
    for (std::uint64_t job = 1; job <= 3; ++job)
        flusher.add({job, "A", {7}});
    idle();
    CHECK(flushed == Numbers{1, 2, 3});
}

TEST_CASE_METHOD(Fixture, "a flush that fails is told to who wrote there, once", "[lmtp-local]") {
    FakeLetterbox* broken = nullptr;
    FakeLetterbox* whole = nullptr;
    auto one = fake_user(7, broken);
    auto two = fake_user(8, whole);
    broken->error = Error{Error::Kind::temporary, "4.3.0", "flush: Input/output error"};
    flusher.touched(one);
    flusher.touched(two);
    flusher.add({1, "A", {7}});
    flusher.add({2, "B", {8}});
    flusher.add({3, "C", {7, 8}});
    idle();
    CHECK(flushed == Numbers{2});
    CHECK(lost == Numbers{1, 3});
    CHECK(flusher.failed_at() > 0);
    // The next batch does not suffer from it.
    broken->error.reset();
    flusher.touched(one);
    for (std::uint64_t job = 4; job <= 6; ++job)
        flusher.add({job, "A", {7}});
    idle();
    CHECK(flushed == Numbers{2, 4, 5, 6});
    CHECK(lost == Numbers{1, 3});
}

TEST_CASE_METHOD(Fixture, "draining flushes at once what waits", "[lmtp-local]") {
    FakeLetterbox* store = nullptr;
    auto user = fake_user(7, store);
    flusher.touched(user);
    flusher.add({1, "A", {7}});
    Scope scope;
    scope.spawn(flusher.drain());
    loop.run_until([&] { return scope.running() == 0; });
    CHECK(flushed == Numbers{1});
}

}  // namespace
}  // namespace facteur::lmtp_local
