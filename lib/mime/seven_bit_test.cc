#include "lib/mime/seven_bit.h"

#include <catch2/catch.hpp>

#include "lib/mime/encoded_word.h"

using namespace facteur;
using namespace facteur::mime;

TEST_CASE("quoted-printable [RFC 2045 6.7]", "[mime]") {
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"plain\r\n", "plain\r\n"},
        {"a=b", "a=3Db"},
        {"caf\xc3\xa9 \r\n", "caf=C3=A9=20\r\n"},
        {"tab\t", "tab=09"},
        {"a\rb\nc", "a=0Db=0Ac"},
        {std::string(76, 'x'), std::string(75, 'x') + "=\r\nx"},
        {"", ""},
    }));
    CHECK(quoted_printable(text) == expected);
    CHECK(decode_transfer(expected, "quoted-printable") == text);
}

TEST_CASE("a message with 8-bit text gets through 7 bits [RFC 6152 3]", "[mime]") {
    auto converted = to_seven_bit(
        "From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\ncaf\xc3\xa9\r\n");
    REQUIRE(converted);
    CHECK(*converted ==
          "From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
          "Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=C3=A9\r\n");
}

TEST_CASE("a message without MIME becomes one with it", "[mime]") {
    auto converted = to_seven_bit("From: a@b\r\n\r\n\xe9\r\n");
    REQUIRE(converted);
    CHECK(*converted ==
          "From: a@b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=unknown-8bit\r\n"
          "Content-Transfer-Encoding: quoted-printable\r\n\r\n=E9\r\n");
}

TEST_CASE("parts are converted one by one, boundaries stay", "[mime]") {
    std::string head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n";
    auto converted = to_seven_bit(head +
                                  "Content-Transfer-Encoding: 8bit\r\n\r\npre\r\n--x\r\n"
                                  "Content-Type: text/plain\r\n\r\nplain\r\n--x\r\n"
                                  "Content-Type: text/html\r\nContent-Transfer-Encoding: 8bit\r\n"
                                  "\r\n\xc3\xa9\r\n--x\r\n"
                                  "Content-Type: message/rfc822\r\n"
                                  "Content-Transfer-Encoding: 8bit\r\n\r\n"
                                  "Subject: inner\r\n\r\n\xc3\xa9\r\n--x--\r\npost\r\n");
    REQUIRE(converted);
    CHECK(*converted == head +
                            "Content-Transfer-Encoding: 7bit\r\n\r\npre\r\n--x\r\n"
                            "Content-Type: text/plain\r\n\r\nplain\r\n--x\r\n"
                            "Content-Type: text/html\r\n"
                            "Content-Transfer-Encoding: quoted-printable\r\n"
                            "\r\n=C3=A9\r\n--x\r\n"
                            "Content-Type: message/rfc822\r\n"
                            "Content-Transfer-Encoding: 7bit\r\n\r\n"
                            "Subject: inner\r\nMIME-Version: 1.0\r\n"
                            "Content-Type: text/plain; charset=unknown-8bit\r\n"
                            "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
                            "=C3=A9\r\n--x--\r\npost\r\n");
}

TEST_CASE("8-bit text where no encoding reaches is refused", "[mime]") {
    auto message =
        GENERATE(as<std::string>(), "Subject: \xc3\xa9\r\n\r\nx\r\n",
                 "MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n\xe9\r\n",
                 "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
                 "\xe9\r\n--x\r\n\r\nplain\r\n--x--\r\n");
    auto converted = to_seven_bit(message);
    REQUIRE_FALSE(converted);
    CHECK(converted.error().status == "5.6.3");
}
