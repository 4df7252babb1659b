#include "lib/smtp/transparency.h"

#include <random>

#include <catch2/catch.hpp>

using namespace facteur::smtp;

namespace {

struct Decoded {
    std::string content;
    std::size_t used = 0;
    bool done = false;
    Strays strays;
};

Decoded decode(std::string_view wire, std::size_t block,
               DotDecoder::BareLf bare_lf = DotDecoder::BareLf::keep) {
    DotDecoder decoder(bare_lf);
    Decoded result;
    while (result.used < wire.size() && !decoder.done())
        result.used += decoder.decode(wire.substr(result.used, block), result.content);
    result.done = decoder.done();
    result.strays = decoder.strays();
    return result;
}

}  // namespace

TEST_CASE("DATA is decoded whatever the blocks are [RFC 5321 4.5.2]", "[smtp]") {
    struct Row {
        std::string wire, content;
    };
    const Row row = GENERATE(values<Row>({
        {".\r\n", ""},
        {"a\r\n.\r\n", "a\r\n"},
        {"\r\n.\r\n", "\r\n"},
        {"..\r\n.\r\n", ".\r\n"},
        {"..a\r\n...b\r\n.c\r\n.\r\n", ".a\r\n..b\r\nc\r\n"},
        {"a.\r\nb..\r\n.\r\n", "a.\r\nb..\r\n"},
        {"a\r\n.\r\nQUIT\r\n", "a\r\n"},
        {"a\r\n\r\n\r\n.\r\n", "a\r\n\r\n\r\n"},
    }));
    for (std::size_t block = 1; block <= row.wire.size(); ++block) {
        INFO(row.wire << " in blocks of " << block);
        const Decoded result = decode(row.wire, block);
        CHECK(result.done);
        CHECK(result.content == row.content);
        CHECK_FALSE(result.strays.any());
        CHECK(result.used == row.wire.find("\r\n.\r\n") + (row.wire.starts_with(".\r\n") ? 4 : 5));
    }
}

TEST_CASE("nothing but CRLF.CRLF ends the data: smuggling is seen, never obeyed", "[smtp]") {
    struct Row {
        std::string wire, content;
        bool cr, lf, nul;
    };
    const std::string nul(1, '\0');
    const Row row = GENERATE_COPY(values<Row>({
        {"a\n.\nb", "a\n.\nb", false, true, false},
        {"a\n.\r\nb", "a\n.\r\nb", false, true, false},
        {"a\r\n.\nb", "a\r\n.\nb", false, true, false},
        {"a\r\n.\rb", "a\r\n\rb", true, false, false},
        {"a\r.\r\nb", "a\r.\r\nb", true, false, false},
        {"a\r.\rb", "a\r.\rb", true, false, false},
        {"a\r\r\n.\r\r\nb", "a\r\r\n\r\r\nb", true, false, false},
        {"a\n\r.\n\rb", "a\n\r.\n\rb", true, true, false},
        {"a\r\n." + nul + "\r\nb", "a\r\n" + nul + "\r\nb", false, false, true},
        {"a" + nul + "\r\nb", "a" + nul + "\r\nb", false, false, true},
        {"\n.\r\nb", "\n.\r\nb", false, true, false},
    }));
    for (std::size_t block = 1; block <= row.wire.size(); ++block) {
        INFO(row.wire << " in blocks of " << block);
        const Decoded result = decode(row.wire, block);
        CHECK_FALSE(result.done);
        CHECK(result.content == row.content);
        CHECK(result.strays.bare_cr == row.cr);
        CHECK(result.strays.bare_lf == row.lf);
        CHECK(result.strays.nul == row.nul);
    }
}

TEST_CASE("bare LF normalized is a line end, but never part of the data's end", "[smtp]") {
    struct Row {
        std::string wire, content;
        bool done;
    };
    const Row row = GENERATE(values<Row>({
        {"a\nb\r\n.\r\n", "a\r\nb\r\n", true},
        {"a\n.\nb", "a\r\n.\r\nb", false},
        {"a\n.\r\nb", "a\r\n.\r\nb", false},
        {"a\n..b", "a\r\n.b", false},
        {"a\r\n.\nb", "a\r\n.\r\nb", false},
    }));
    for (std::size_t block = 1; block <= row.wire.size(); ++block) {
        INFO(row.wire << " in blocks of " << block);
        const Decoded result = decode(row.wire, block, DotDecoder::BareLf::normalize);
        CHECK(result.done == row.done);
        CHECK(result.content == row.content);
    }
}

TEST_CASE("what is encoded is decoded to the same content", "[smtp]") {
    std::mt19937 random(1);
    const std::string pieces[] = {".", "..", "\r\n", "a", "\r\n.", "text", "\r\n\r\n"};
    for (int round = 0; round < 300; ++round) {
        std::string content;
        for (int i = 0; i < 20; ++i)
            content += pieces[random() % std::size(pieces)];
        content += "\r\n";
        const std::size_t block = 1 + random() % 9;
        DotEncoder encoder;
        std::string wire;
        for (std::size_t at = 0; at < content.size(); at += block)
            encoder.encode(std::string_view(content).substr(at, block), wire);
        encoder.finish(wire);
        const Decoded result = decode(wire, 1 + random() % 9);
        CHECK(result.done);
        CHECK(result.used == wire.size());
        CHECK(result.content == content);
        CHECK_FALSE(result.strays.any());
    }
}

TEST_CASE("what is sent has no bare CR or LF and ends properly", "[smtp]") {
    struct Row {
        std::string content, wire;
    };
    const Row row = GENERATE(values<Row>({
        {"", ".\r\n"},
        {"a", "a\r\n.\r\n"},
        {"a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n"},
        {"a\r.\rb", "a . b\r\n.\r\n"},
        {"a\r\n.\r\n", "a\r\n..\r\n.\r\n"},
        {"a\r", "a\r\n.\r\n"},
        {"a\r\r\nb\r\n", "a \r\nb\r\n.\r\n"},
    }));
    for (std::size_t block = 1; block <= row.content.size() + 1; ++block) {
        INFO(row.content);
        DotEncoder encoder;
        std::string wire;
        for (std::size_t at = 0; at < row.content.size(); at += block)
            encoder.encode(std::string_view(row.content).substr(at, block), wire);
        encoder.finish(wire);
        CHECK(wire == row.wire);
    }
}

TEST_CASE("strays are found in chunks [RFC 3030 3]", "[smtp]") {
    struct Row {
        std::string content;
        bool cr, lf, nul;
    };
    const Row row = GENERATE(values<Row>({
        {"", false, false, false},
        {"a\r\n.\r\nb\r\n", false, false, false},
        {"a\nb\r\n", false, true, false},
        {"a\rb\r\n", true, false, false},
        {"a\r", true, false, false},
        {"\n", false, true, false},
        {"\r\r\n", true, false, false},
        {std::string("a\0b", 3), false, false, true},
    }));
    for (std::size_t block = 1; block <= row.content.size() + 1; ++block) {
        INFO(row.content << " in blocks of " << block);
        StrayScan scan;
        for (std::size_t at = 0; at < row.content.size(); at += block)
            scan.scan(std::string_view(row.content).substr(at, block));
        scan.finish();
        CHECK(scan.strays().bare_cr == row.cr);
        CHECK(scan.strays().bare_lf == row.lf);
        CHECK(scan.strays().nul == row.nul);
    }
}
