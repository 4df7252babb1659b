#include <catch2/catch.hpp>

#include "smtpd/test_fixture.h"

using namespace facteur;
using namespace facteur::smtpd::testing;

TEST_CASE("a client hears of a full queue before it sends anything [RFC 1870 6.1]", "[smtpd]") {
    Fixture f;
    f.connect();
    f.reply();
    f.say("EHLO client.test");
    ipc::RoomReply room;
    room.free = 3000;
    f.backend.room_left = room;
    CHECK(f.say("MAIL FROM:<a@else.test> SIZE=2001") == "452 4.3.1 Insufficient system storage");
    CHECK(f.say("MAIL FROM:<a@else.test> SIZE=2000") == "250 2.1.0 Ok");
    f.say("RSET");
    f.backend.room_left->refused = true;
    CHECK(f.say("MAIL FROM:<a@else.test>") == "452 4.3.1 Insufficient system storage");
    f.backend.room_left.reset();  // qmgr is being replaced
    CHECK(f.say("MAIL FROM:<a@else.test>") == "250 2.1.0 Ok");
}
