#include "authd/recent_logins.h"

#include <catch2/catch.hpp>

using namespace facteur;
using namespace facteur::authd;

TEST_CASE("an address is known for a while after a login", "[authd]") {
    Loop loop;
    RecentLogins logins(2, Milliseconds(60000));
    logins.remember("192.0.2.1");
    CHECK(logins.knows("192.0.2.1"));
    CHECK_FALSE(logins.knows("192.0.2.2"));
    loop.advance(Milliseconds(40000));
    logins.remember("192.0.2.1");
    loop.advance(Milliseconds(40000));
    CHECK(logins.knows("192.0.2.1"));
    loop.advance(Milliseconds(40000));
    CHECK_FALSE(logins.knows("192.0.2.1"));
}

TEST_CASE("of too many addresses the oldest are forgotten", "[authd]") {
    Loop loop;
    RecentLogins logins(2, Milliseconds(60000));
    for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"})
        logins.remember(address);
    CHECK(logins.size() == 2);
    CHECK(logins.knows("192.0.2.1"));
    CHECK_FALSE(logins.knows("192.0.2.2"));
    RecentLogins none(10, Milliseconds(0));
    none.remember("192.0.2.1");
    CHECK(none.size() == 0);
}
