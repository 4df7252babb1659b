#include "lib/base/encoding.h"

#include <catch2/catch.hpp>

using namespace facteur;

TEST_CASE("base64 round trip and the vectors of RFC 4648 section 10", "[base]") {
    CHECK(base64_encode("") == "");
    CHECK(base64_encode("f") == "Zg==");
    CHECK(base64_encode("fo") == "Zm8=");
    CHECK(base64_encode("foobar") == "Zm9vYmFy");
    CHECK(base64_decode("Zm8=") == "fo");
    CHECK(base64_decode("Zg==") == "f");
    CHECK(base64_decode("") == "");
    for (std::size_t n = 0; n < 70; ++n) {
        std::string bytes = random_bytes(n);
        CHECK(base64_decode(base64_encode(bytes)) == bytes);
    }
}

TEST_CASE("what is not base64 is refused", "[base]") {
    for (const char* bad : {"Z", "Zg=", "Zg", "Z===", "====", "Zm9v\r\n", "Zm=v", "Zm9 "}) {
        INFO(bad);
        CHECK_FALSE(base64_decode(bad));
    }
}

TEST_CASE("CRC32C gives the values of RFC 3720 appendix B.4, whole or in pieces", "[base]") {
    CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);
    CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
    CHECK(crc32c("123456789") == 0xe3069283u);
    CHECK(crc32c("56789", crc32c("1234")) == 0xe3069283u);
}

TEST_CASE("hex", "[base]") {
    CHECK(hex_encode("\x01\xfe") == "01fe");
    CHECK(hex_decode("01FE") == "\x01\xfe");
    CHECK_FALSE(hex_decode("0"));
    CHECK_FALSE(hex_decode("0g"));
}
