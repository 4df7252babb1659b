#include "lib/mime/part.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "lib/mime/envelope.h"
#include "lib/mime/header.h"
#include "lib/mime/preview.h"

namespace facteur::mime {
namespace {

const std::string kMixed =
    "From: a@b\r\n"
    "Content-Type: multipart/mixed; boundary=\"x y\"\r\n"
    "\r\n"
    "preamble\r\n"
    "--x y\r\n"
    "\r\n"
    "one\r\n"
    "two\r\n"
    "--x y \t\r\n"
    "Content-Type: TEXT/HTML; charset=utf-8\r\n"
    "Content-Transfer-Encoding: Base64\r\n"
    "Content-Disposition: attachment; filename=\"a b.html\"\r\n"
    "Content-Language: en, de\r\n"
    "Content-ID: <1@2>\r\n"
    "\r\n"
    "PGI+\r\n"
    "\r\n"
    "--x y--\r\n"
    "epilogue\r\n";

std::string bytes_of(const std::string& message, const Part& part) {
    return message.substr(part.body_offset, part.body_size);
}

TEST_CASE("a multipart knows where its parts stand", "[mime]") {
    Part root = parse_structure(kMixed);
    CHECK(root.type == "multipart");
    CHECK(root.subtype == "mixed");
    REQUIRE(root.children.size() == 2);
    const Part& first = root.children[0];
    CHECK(first.type == "text");
    CHECK(first.subtype == "plain");
    CHECK(first.encoding == "7bit");
    CHECK(bytes_of(kMixed, first) == "one\r\ntwo");
    CHECK(first.body_lines == 1);
    CHECK(first.header_size() == 2);
    const Part& second = root.children[1];
    CHECK(second.subtype == "html");
    CHECK(second.encoding == "base64");
    CHECK(second.disposition == "attachment");
    REQUIRE(second.disposition_parameters.size() == 1);
    CHECK(second.disposition_parameters[0] == Parameter{"filename", "a b.html"});
    CHECK(second.languages == std::vector<std::string>{"en", "de"});
    CHECK(second.id == "<1@2>");
    CHECK(bytes_of(kMixed, second) == "PGI+\r\n");
    CHECK(second.body_lines == 1);
}

TEST_CASE("malformed multiparts become something that BODYSTRUCTURE can show", "[mime]") {
    SECTION("no boundary parameter") {
        Part root = parse_structure("Content-Type: multipart/mixed\r\n\r\nhello\r\n");
        CHECK(root.type == "text");
        CHECK(root.children.empty());
        CHECK(root.body_lines == 1);
    }
    SECTION("a boundary that never comes") {
        Part root = parse_structure("Content-Type: multipart/mixed; boundary=b\r\n\r\nhello\r\n");
        REQUIRE(root.children.size() == 1);
        CHECK(root.children[0].body_size == 0);
    }
    SECTION("no closing delimiter") {
        std::string text = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n";
        Part root = parse_structure(text);
        REQUIRE(root.children.size() == 1);
        CHECK(bytes_of(text, root.children[0]) == "hello\r\n");
    }
    SECTION("a longer boundary is not this one") {
        std::string text =
            "Content-Type: multipart/mixed; "
            "boundary=b\r\n\r\n--b\r\n\r\nx\r\n--bb\r\ny\r\n--b--\r\n";
        Part root = parse_structure(text);
        REQUIRE(root.children.size() == 1);
        CHECK(bytes_of(text, root.children[0]) == "x\r\n--bb\r\ny");
    }
    SECTION("an inner multipart without its closing delimiter ends at the outer one") {
        std::string text =
            "Content-Type: multipart/mixed; boundary=out\r\n\r\n"
            "--out\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"
            "--in\r\n\r\nA\r\n--out\r\n\r\nB\r\n--out--\r\n";
        Part root = parse_structure(text);
        REQUIRE(root.children.size() == 2);
        REQUIRE(root.children[0].children.size() == 1);
        CHECK(bytes_of(text, root.children[0].children[0]) == "A");
        CHECK(bytes_of(text, root.children[1]) == "B");
    }
}

TEST_CASE("a message inside a message has its own header and body", "[mime]") {
    std::string text =
        "Content-Type: message/rfc822\r\n\r\n"
        "Subject: inner\r\nContent-Type: text/html\r\n\r\n<p>\r\n";
    Part root = parse_structure(text);
    REQUIRE(root.is_message());
    const Part& inner = root.children[0];
    CHECK(inner.header_offset == root.body_offset);
    CHECK(inner.subtype == "html");
    Envelope envelope = parse_envelope(text.substr(inner.header_offset, inner.header_size()));
    CHECK(envelope.subject == "inner");
    CHECK(root.body_lines == 4);
}

TEST_CASE("depth and number of parts are limited", "[mime]") {
    std::string text;
    for (int i = 0; i < 200; ++i)
        text += "Content-Type: message/rfc822\r\n\r\n";
    Part part = parse_structure(text);
    unsigned depth = 0;
    const Part* at = &part;
    for (; !at->children.empty(); at = &at->children[0])
        ++depth;
    CHECK(depth == Limits{}.depth);
    CHECK(at->type == "application");

    std::string many = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
    for (int i = 0; i < 6000; ++i)
        many += "--b\r\n\r\n";
    CHECK(parse_structure(many).children.size() < 5001);
}

void check_bounds(const Part& part, std::uint64_t from, std::uint64_t to) {
    REQUIRE(part.header_offset >= from);
    REQUIRE(part.body_offset >= part.header_offset);
    REQUIRE(part.body_offset + part.body_size <= to);
    for (const Part& child : part.children)
        check_bounds(child, part.body_offset, part.body_offset + part.body_size);
}

TEST_CASE("real and broken messages, and all their beginnings, stay within bounds", "[mime]") {
    for (const auto& entry : std::filesystem::directory_iterator("tests/vectors/mime-python")) {
        if (entry.path().extension() != ".txt") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        std::stringstream content;
        content << file.rdbuf();
        std::string text = content.str();
        INFO(entry.path());
        for (std::size_t size = text.size();; size -= std::min<std::size_t>(size, 97)) {
            std::string_view some(text.data(), size);
            Part root = parse_structure(some);
            check_bounds(root, 0, size);
            CHECK(preview(some, root).size() <= 800);
            if (size == 0) break;
        }
    }
}

TEST_CASE("header fields: folding, odd lines, the end", "[mime]") {
    std::string text = "A: 1\r\n 2\r\nno colon here\r\nB : x\nA: 3\n\nbody: no\r\n";
    CHECK(header_length(text) == text.size() - 10);
    CHECK(field_value(text, "a") == "1 2");
    CHECK(field_value(text, "b") == "x");
    CHECK_FALSE(field_value(text, "body"));
    CHECK(select_fields(text, {"a"}) == "A: 1\r\n 2\r\nA: 3\n");
    FieldReader reader(text);
    Field field;
    int count = 0;
    while (reader.next(field))
        ++count;
    CHECK(count == 4);
}

TEST_CASE("the preview is the text, not the tags", "[mime]") {
    std::string text =
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
        "Content-Type: text/html\r\n\r\n<style>x{}</style><p>Hi&nbsp;<b>you</b>\r\n--b--\r\n";
    CHECK(preview(text, parse_structure(text)) == "Hi you");
    std::string plain =
        "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: "
        "quoted-printable\r\n\r\n  caf=E9  \r\n\r\nau lait\r\n";
    CHECK(preview(plain, parse_structure(plain)) == "caf\xc3\xa9 au lait");
    CHECK(preview(plain, parse_structure(plain), 4) == "caf\xc3\xa9");
}

}  // namespace
}  // namespace facteur::mime
