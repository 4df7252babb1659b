#include "master/backoff.h"

#include <catch2/catch.hpp>

using namespace facteur;
using facteur::master::Backoff;

TEST_CASE("a service that keeps failing waits 1, 2, 4 ... 60 s", "[master]") {
    Backoff backoff(Milliseconds(60000));
    for (int seconds : {1, 2, 4, 8, 16, 32, 60, 60})
        CHECK(backoff.ended(Milliseconds(10)) == Milliseconds(seconds * 1000));
}

TEST_CASE("after a good run it starts at once, and the count begins again", "[master]") {
    Backoff backoff(Milliseconds(60000));
    CHECK(backoff.ended(Milliseconds(4999)) == Milliseconds(1000));
    CHECK(backoff.ended(Milliseconds(5000)) == Milliseconds(0));
    CHECK(backoff.ended(Milliseconds(0)) == Milliseconds(1000));
    backoff.reset();
    CHECK(backoff.ended(Milliseconds(0)) == Milliseconds(1000));
}

TEST_CASE("the longest delay is a limit from the first failure on", "[master]") {
    Backoff backoff(Milliseconds(500));
    CHECK(backoff.ended(Milliseconds(0)) == Milliseconds(500));
}
