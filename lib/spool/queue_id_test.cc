#include "lib/spool/queue_id.h"

#include <set>

#include <catch2/catch.hpp>

using namespace facteur;
using namespace facteur::spool;

TEST_CASE("queue ids are unique, sorted by time and valid", "[spool]") {
    std::string previous;
    for (int i = 0; i < 10000; ++i) {
        std::string id = make_queue_id();
        REQUIRE(is_queue_id(id));
        REQUIRE(previous < id);
        previous = id;
    }
}

TEST_CASE("a queue id tells its time and process, and parses to itself", "[spool]") {
    std::string id = format_queue_id(1795349000123456, 4194304);
    CHECK(id.size() == kQueueIdLength);
    CHECK(queue_id_time(id)->time_since_epoch() == std::chrono::microseconds(1795349000123456));
    REQUIRE(QueueId::parse(id));
    CHECK(QueueId::parse(id)->process == 4194304);
    CHECK(QueueId::parse(id)->text() == id);
    CHECK(queue_folder(id).size() == 2);
}

TEST_CASE("what is not a queue id is refused, above all what could be a path", "[spool]") {
    for (const char* bad : {"", "0", "../../etc/passwd", "1H0XJ5ZJVLQ003/T", "1H0XJ5ZJVLQ0036",
                            "1H0XJ5ZJVLQ0036T0", "1h0xj5zjvlq0036t", "1A0XJ5ZJVLQ0036T"}) {
        INFO(bad);
        CHECK_FALSE(is_queue_id(bad));
        CHECK_FALSE(queue_id_time(bad));
    }
}
