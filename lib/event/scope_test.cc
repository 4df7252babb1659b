#include "lib/event/scope.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "lib/event/errors.h"
#include "lib/event/signal.h"
#include "lib/event/sleep.h"
#include "lib/event/worker.h"

using namespace facteur;
using namespace std::chrono_literals;

namespace {

Task<int> add(Scope& scope, int a, int b) {
    co_await Sleep(scope, 1ms);
    co_return a + b;
}

Task<void> store_sum(Scope& scope, int& result) {
    result = co_await add(scope, 1, 2);
}

Task<void> note_end(Scope& scope, Milliseconds nap, std::vector<std::string>& log) {
    std::string how = "slept";
    try {
        co_await Sleep(scope, nap);
    } catch (const Cancelled&) {
        how = "cancelled";
    }
    log.push_back(how);
}

Task<void> join_and_note(Scope& scope, bool& joined) {
    co_await scope.join();
    joined = true;
}

Task<void> fail(Scope& scope) {
    co_await Sleep(scope, 0ms);
    throw Closed("peer left");
}

Task<void> wait_for(Signal& signal, Scope& scope, TimePoint deadline, std::string& how) {
    try {
        co_await signal.wait(scope, deadline);
        how = "notified";
    } catch (const TimedOut&) {
        how = "timed out";
    }
}

Task<void> add_nothing(int& count) {
    ++count;
    co_return;
}

Task<void> count_up(Scope& scope, int& count) {
    for (int i = 0; i < 1'000'000; ++i)
        co_await add_nothing(count);
    co_await Sleep(scope, 0ms);
}

}  // namespace

TEST_CASE("a task's value reaches who awaits it", "[event]") {
    Loop loop;
    Scope scope;
    int result = 0;
    scope.spawn(store_sum(scope, result));
    loop.run_until([&] { return scope.running() == 0; });
    CHECK(result == 3);
}

TEST_CASE("cancelling a scope wakes its waits and those of its children", "[event]") {
    Loop loop;
    Scope scope;
    Scope child(scope);
    std::vector<std::string> log;
    bool joined = false;
    Scope outer;
    scope.spawn(note_end(scope, 1h, log));
    child.spawn(note_end(child, 1h, log));
    scope.spawn(note_end(scope, 0ms, log));
    outer.spawn(join_and_note(scope, joined));
    loop.run_until([&] { return log.size() == 1; });
    CHECK_FALSE(joined);
    scope.cancel();
    loop.run_until([&] { return joined && child.running() == 0; });
    CHECK(log == std::vector<std::string>{"slept", "cancelled", "cancelled"});
    child.spawn(note_end(child, 1h, log));
    loop.run_until([&] { return child.running() == 0; });
    CHECK(log.back() == "cancelled");
}

TEST_CASE("a disconnect ends its own task only", "[event]") {
    Loop loop;
    Scope scope;
    int result = 0;
    scope.spawn(fail(scope));
    scope.spawn(store_sum(scope, result));
    loop.run_until([&] { return scope.running() == 0; });
    CHECK(result == 3);
}

TEST_CASE("a signal wakes one or all, a deadline wakes the rest", "[event]") {
    Loop loop;
    Scope scope;
    Signal signal;
    std::string first;
    std::string second;
    std::string third;
    scope.spawn(wait_for(signal, scope, kNever, first));
    scope.spawn(wait_for(signal, scope, loop.now() + 1h, second));
    scope.spawn(wait_for(signal, scope, loop.now() + 2h, third));
    loop.run_until([&] { return signal.has_waiters(); });
    signal.notify_one();
    loop.run_until([&] { return !first.empty(); });
    CHECK(first == "notified");
    loop.advance(90min);
    loop.run_until([&] { return !second.empty(); });
    CHECK(second == "timed out");
    CHECK(third.empty());
    signal.notify_all();
    loop.run_until([&] { return scope.running() == 0; });
    CHECK(third == "notified");
}

TEST_CASE("destroying a scope with suspended and queued tasks is safe", "[event]") {
    Loop loop;
    std::vector<std::string> log;
    Signal signal;
    std::string how;
    {
        Scope scope;
        scope.spawn(note_end(scope, 1h, log));
        scope.spawn(wait_for(signal, scope, kNever, how));
        loop.run_until([&] { return signal.has_waiters(); });
        signal.notify_one();  // in the run queue when its frame goes
        scope.spawn(note_end(scope, 1h, log));
    }
    Scope other;
    int result = 0;
    other.spawn(store_sum(other, result));
    loop.run_until([&] { return other.running() == 0; });
    CHECK(log.empty());
    CHECK(how.empty());
}

TEST_CASE("a million awaits keep the stack flat", "[event]") {
    Loop loop;
    Scope scope;
    int count = 0;
    scope.spawn(count_up(scope, count));
    loop.run_until([&] { return scope.running() == 0; });
    CHECK(count == 1'000'000);
}

namespace {

Task<void> compute(WorkerPool& pool, std::vector<int>& results, int value) {
    std::function<int()> work = [value] { return value * value; };
    results.push_back(co_await pool.run<int>(std::move(work)));
}

Task<void> compute_failure(WorkerPool& pool, std::string& text) {
    std::function<void()> work = [] { throw Closed("from the thread"); };
    try {
        co_await pool.run_void(std::move(work));
    } catch (const Closed& failure) {
        text = failure.what();
    }
}

}  // namespace

TEST_CASE("worker threads answer in the loop, exceptions included", "[event]") {
    Loop loop;
    WorkerPool pool(3);
    Scope scope;
    std::vector<int> results;
    std::string text;
    for (int i = 0; i < 100; ++i)
        scope.spawn(compute(pool, results, i));
    scope.spawn(compute_failure(pool, text));
    loop.run_until([&] { return scope.running() == 0; });
    CHECK(results.size() == 100);
    CHECK(text == "from the thread");
}
