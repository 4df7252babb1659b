#include "lib/login/penalty.h"

#include <catch2/catch.hpp>

using namespace facteur;
using namespace facteur::login;

TEST_CASE("who guesses waits longer, until success or time forgives", "[login]") {
    Penalty penalty;
    TimePoint now{Seconds(10000)};
    CHECK(penalty.delay("192.0.2.1", now) == Seconds(0));
    std::vector<int> delays;
    for (int i = 0; i < 7; ++i) {
        penalty.failed("192.0.2.1", now);
        delays.push_back(static_cast<int>(penalty.delay("192.0.2.1", now).count() / 1000));
    }
    CHECK(delays == std::vector<int>{0, 2, 4, 8, 15, 15, 15});
    CHECK(penalty.delay("192.0.2.2", now) == Seconds(0));
    CHECK(penalty.delay("192.0.2.1", now + Seconds(601)) == Seconds(0));
    penalty.succeeded("192.0.2.1");
    CHECK(penalty.delay("192.0.2.1", now) == Seconds(0));
}

TEST_CASE("a flood of addresses does not fill the memory", "[login]") {
    Penalty penalty;
    TimePoint now{Seconds(10000)};
    for (int i = 0; i < 30000; ++i)
        penalty.failed(std::to_string(i), now);
    CHECK(penalty.size() <= 10000);
}
