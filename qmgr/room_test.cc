#include <catch2/catch.hpp>

#include "qmgr/house.h"

using namespace facteur;
using namespace facteur::qmgr;

TEST_CASE("there is room while the disk has some", "[qmgr]") {
    Folder folder;
    House house;
    const ipc::RoomReply room = house.manager.room();
    CHECK_FALSE(room.refused);
    CHECK(room.free > 0);
}

TEST_CASE("queue_minfree is not for mail", "[qmgr]") {
    Folder folder;
    House house("queue_minfree = 9000000000000000000\n");
    const ipc::RoomReply room = house.manager.room();
    CHECK(room.refused);
    CHECK(room.free == 0);
    CHECK(room.text == "the file system of the queue is full");
}

TEST_CASE("with too many messages there is no room until some are gone", "[qmgr]") {
    Folder folder;
    House house("queue_message_limit = 2\n");
    spool::QueueId first = house.submit({"a@retry.test"});
    CHECK_FALSE(house.manager.room().refused);
    spool::QueueId second = house.submit({"b@retry.test"});
    until_tried(house, first, 1);
    until_tried(house, second, 1);
    CHECK(house.manager.room().refused);
    REQUIRE(house.run(house.manager.remove(first)));
    CHECK_FALSE(house.manager.room().refused);
}

TEST_CASE("a disk that takes too long is slow, for a while", "[qmgr]") {
    Loop loop;
    Pressure pressure;
    const Milliseconds limit{1000};
    CHECK_FALSE(pressure.is_over(limit));
    {
        Pressure::Commit one(pressure);
        loop.advance(Milliseconds(900));
        Pressure::Commit other(pressure);
        CHECK_FALSE(pressure.is_over(limit));
        loop.advance(Milliseconds(200));
        CHECK(pressure.is_over(limit));  // the first one still waits
    }
    CHECK(pressure.is_over(limit));
    loop.advance(Seconds(6));
    CHECK_FALSE(pressure.is_over(limit));
    {
        Pressure::Commit slow(pressure);
        loop.advance(Milliseconds(1100));
    }
    CHECK(pressure.is_over(limit));
    { Pressure::Commit fast(pressure); }
    CHECK_FALSE(pressure.is_over(limit));
}
