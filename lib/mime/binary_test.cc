#include "lib/mime/binary.h"

#include <catch2/catch.hpp>

#include "lib/mime/encoded_word.h"
#include "lib/mime/part.h"

using namespace facteur::mime;

TEST_CASE("bodies with NUL become base64, and nothing else changes [RFC 3516 4.4]", "[mime]") {
    std::string body("a\0b", 3);
    std::string message =
        "Subject: x\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n"
        "Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n" +
        body + "\r\n--q\r\n\r\ntext\r\n--q--\r\n";
    auto encoded = without_nul(message);
    REQUIRE(encoded);
    Part root = parse_structure(*encoded);
    REQUIRE(root.children.size() == 2);
    const Part& image = root.children[0];
    CHECK(image.encoding == "base64");
    CHECK(decode_transfer(encoded->substr(image.body_offset, image.body_size), "base64") == body);
    const Part& text = root.children[1];
    CHECK(encoded->substr(text.body_offset, text.body_size) == "text");
}

TEST_CASE("a whole message can be binary, a header cannot [RFC 3516 4.4]", "[mime]") {
    auto encoded = without_nul(std::string("Subject: x\r\n\r\na\0", 16));
    REQUIRE(encoded);
    CHECK(encoded->ends_with("Content-Transfer-Encoding: base64\r\n\r\nYQA=\r\n"));
    CHECK(without_nul("Subject: x\r\n\r\nplain") == "Subject: x\r\n\r\nplain");
    CHECK_FALSE(without_nul(std::string("Subject: \0\r\n\r\nx", 15)));
}
