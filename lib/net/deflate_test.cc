#include "lib/net/deflate.h"

#include <catch2/catch.hpp>

#include "lib/event/errors.h"

using namespace facteur;

namespace {

std::string taken(Deflate& deflate, std::size_t size) {
    std::string space(size, '\0');
    space.resize(deflate.inflate(space.data(), size));
    return space;
}

}  // namespace

TEST_CASE("each piece can be read at once [RFC 4978 4]", "[net]") {
    Deflate here, there;
    for (const std::string& text : {std::string("a NOOP\r\n"), std::string("b LOGOUT\r\n")}) {
        there.feed(here.compress(text));
        CHECK(taken(there, 1000) == text);
        CHECK(taken(there, 1000).empty());
    }
    CHECK(here.compress("").empty());
}

TEST_CASE("a bomb is taken in pieces", "[net]") {
    Deflate here, there;
    std::string bomb(10 << 20, 'x');
    std::string packed = here.compress(bomb);
    REQUIRE(packed.size() < 100000);
    there.feed(packed);
    std::size_t total = 0;
    for (std::size_t got = 1; got > 0; total += got) {
        got = taken(there, 4096).size();
        REQUIRE(got <= 4096);
    }
    CHECK(total == bomb.size());
}

TEST_CASE("bytes come in any pieces", "[net]") {
    Deflate here, there;
    std::string text(5000, 'a'), got;
    for (char c : here.compress(text)) {
        there.feed(std::string(1, c));
        for (std::string piece = taken(there, 100); !piece.empty(); piece = taken(there, 100))
            got += piece;
    }
    CHECK(got == text);
}

TEST_CASE("what is not compressed ends the connection", "[net]") {
    Deflate deflate;
    deflate.feed("\xff\xff\xff\xff");
    CHECK_THROWS_AS(taken(deflate, 100), Closed);
}
