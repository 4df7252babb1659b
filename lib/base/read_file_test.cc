#include "lib/base/read_file.h"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/fd.h"

namespace facteur {
namespace {

namespace fs = std::filesystem;

class Fixture {
public:
    Fixture() {
        char pattern[] = "/tmp/facteur-read-XXXXXX";
        folder = ::mkdtemp(pattern);
    }
    ~Fixture() { fs::remove_all(folder); }
    std::string put(const std::string& text) const {
        std::ofstream(folder + "/file", std::ios::binary) << text;
        return folder + "/file";
    }
    std::string folder;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a file is read whole", "[base]") {
    CHECK(read_file(put("")) == "");
    const std::string long_text(100000, 'x');
    CHECK(read_file(put(long_text)) == long_text);
}

TEST_CASE_METHOD(Fixture, "what cannot be read is an error that names the file", "[base]") {
    auto missing = read_file(folder + "/missing");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().text.find("/missing: No such file") != std::string::npos);
    auto directory = read_file(folder);
    REQUIRE_FALSE(directory);
    CHECK(directory.error().text.find(folder) != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a file beyond the limit is refused", "[base]") {
    CHECK(read_file(put("12345"), 5) == "12345");
    auto refused = read_file(put("123456"), 5);
    REQUIRE_FALSE(refused);
    CHECK_FALSE(refused.error().is_temporary());
}

TEST_CASE("a pipe is read to its end", "[base]") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    Fd out(ends[0]);
    REQUIRE(::write(ends[1], "all of it", 9) == 9);
    ::close(ends[1]);
    CHECK(read_to_end(out.get()) == "all of it");
}

}  // namespace facteur
