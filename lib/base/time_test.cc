#include "lib/base/time.h"

#include <cstdlib>
#include <ctime>

#include <catch2/catch.hpp>

using namespace facteur;

TEST_CASE("dates in the three forms", "[base]") {
    ::setenv("TZ", "CET-1", 1);
    ::tzset();
    WallTime when = std::chrono::system_clock::from_time_t(1796209445);
    CHECK(rfc5322_date(when) == "Wed, 02 Dec 2026 12:04:05 +0100");
    CHECK(iso_date(when) == "2026-12-02T12:04:05+01:00");
    CHECK(log_date(when) == "Dec  2 12:04:05");
    ::unsetenv("TZ");
    ::tzset();
}
