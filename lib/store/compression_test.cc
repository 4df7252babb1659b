#include "lib/store/compression.h"

#include <catch2/catch.hpp>
#include <zlib.h>

using namespace facteur::store;

namespace {

std::string gzip(const std::string& text) {
    z_stream stream{};
    deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    std::string out(text.size() + 1000, '\0');
    std::string in = text;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string long_text() {
    std::string text;
    for (int i = 0; i < 40000; ++i)
        text += "line " + std::to_string(i) + "\r\n";
    return text;
}

constexpr std::size_t kLimit = 10 << 20;

}  // namespace

TEST_CASE("what is compressed comes back", "[store]") {
    for (const std::string& text : {std::string(), std::string("From: a\r\n\r\nb\r\n"), long_text(),
                                    std::string(128 << 10, 'x'), std::string(256 << 10, 'y')}) {
        for (const std::string& packed : {compress(text, 3), gzip(text)}) {
            CHECK(is_compressed(packed));
            auto back = decompress(packed, kLimit);
            REQUIRE(back);
            CHECK(*back == text);
            auto twice = decompress(packed + packed, kLimit);
            REQUIRE(twice);
            CHECK(*twice == text + text);
        }
    }
    CHECK_FALSE(is_compressed("From: a\r\n"));
    CHECK_FALSE(is_compressed(""));
}

TEST_CASE("what is cut short, broken or too large is refused", "[store]") {
    std::string text = "Subject: some words that repeat, some words that repeat\r\n\r\nbody\r\n";
    for (const std::string& packed : {compress(text, 3), gzip(text)}) {
        for (std::size_t n = 0; n < packed.size(); ++n)
            CHECK_FALSE(decompress(std::string_view(packed).substr(0, n), kLimit));
        std::string bent = packed;
        bent[packed.size() / 2] = static_cast<char>(bent[packed.size() / 2] ^ 0x55);
        CHECK_FALSE(decompress(bent, kLimit));
        CHECK_FALSE(decompress(packed, 10));
    }
}
