#include "tools/facteur/queue_picture.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <unistd.h>

using namespace facteur;
using namespace facteur::tool;

TEST_CASE("the ages of a queue are drawn into a PNG file", "[tools]") {
    AgeTable table(false);
    const std::int64_t now = 1795349000;
    for (int i = 0; i < 2000; ++i) {
        ipc::QueueEntry entry;
        entry.arrival = (now - i * 60) * 1000000;
        ipc::QueueRecipient recipient;
        recipient.address = "a@" + std::string(static_cast<std::size_t>(i % 90), 'x') + ".test";
        entry.recipients.push_back(recipient);
        table.add(entry, now);
    }
    const std::string path =
        std::filesystem::temp_directory_path() / ("picture-" + std::to_string(::getpid()));
    REQUIRE(draw_ages(table.rows(20), path));
    std::ifstream file(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    CHECK(bytes.starts_with("\x89PNG\r\n\x1a\n"));
    // IHDR: 1000 wide, a heading, the sum and 20 domains high.
    REQUIRE(bytes.size() > 24);
    const auto number = [&](std::size_t at) {
        unsigned value = 0;
        for (std::size_t i = 0; i < 4; ++i)
            value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
        return value;
    };
    CHECK(number(16) == 1000);
    CHECK(number(20) == 70 + 21 * 26 + 10);
    std::filesystem::remove(path);
    CHECK_FALSE(draw_ages(table.rows(1), "/nonexistent/picture.png"));
    CHECK(draw_ages(AgeTable(true).rows(20), path));  // an empty queue
    std::filesystem::remove(path);
}
