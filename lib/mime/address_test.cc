#include "lib/mime/address.h"

#include <catch2/catch.hpp>

#include "lib/mime/encoded_word.h"
#include "lib/mime/envelope.h"
#include "lib/mime/utf7.h"

namespace facteur::mime {
namespace {

using Kind = Address::Kind;

TEST_CASE("address lists become the elements of ENVELOPE", "[mime]") {
    auto list = parse_addresses("\"Q, X\" <@r1,@r2:a.b@c.d>, e@f (Gee), g: h@i;, \"j k\"@l");
    REQUIRE(list.size() == 6);
    CHECK(list[0] == Address{Kind::mailbox, "Q, X", "@r1,@r2", "a.b", "c.d"});
    CHECK(list[1] == Address{Kind::mailbox, "Gee", "", "e", "f"});
    CHECK(list[2] == Address{Kind::group_start, "", "", "g", ""});
    CHECK(list[3] == Address{Kind::mailbox, "", "", "h", "i"});
    CHECK(list[4] == Address{Kind::group_end, "", "", "", ""});
    CHECK(list[5] == Address{Kind::mailbox, "", "", "j k", "l"});
}

TEST_CASE("an unclosed group is closed and no input is endless", "[mime]") {
    auto list = parse_addresses("g: a@b");
    REQUIRE(list.size() == 3);
    CHECK(list[2].kind == Kind::group_end);
    for (const char* text : {"<", "\"", "(", "@", ":", ";", ",", "<@", "a@[", "a@b <", "\\", ">"})
        CHECK(parse_addresses(text).size() <= 2);
    CHECK(parse_addresses(std::string(100000, ',')).empty());
    CHECK(parse_addresses("a@b,c@d,e@f", 2).size() == 2);
    CHECK(parse_addresses(std::string(100000, '(')).empty());
}

TEST_CASE("ENVELOPE: Sender and Reply-To default to From [RFC 3501 7.4.2]", "[mime]") {
    Envelope envelope =
        parse_envelope("From: a@b\r\nSubject: =?utf-8?q?x?=\r\n y\r\nTo: c@d\r\nTo: e@f\r\n\r\n");
    CHECK(envelope.sender == envelope.from);
    CHECK(envelope.reply_to == envelope.from);
    CHECK(envelope.subject == "=?utf-8?q?x?= y");
    CHECK(envelope.to.size() == 2);
    CHECK_FALSE(envelope.date);
}

TEST_CASE("RFC 2231 parameters are put together", "[mime]") {
    std::vector<Parameter> parameters = {{"filename*1*", "%20b"},
                                         {"filename*0*", "utf-8'en'%E2%82%ac"},
                                         {"filename*2", "%c"},
                                         {"name", "=?utf-8?b?w6k=?="}};
    CHECK(parameter(parameters, "filename") == "\xe2\x82\xac b%c");
    CHECK(parameter(parameters, "name") == "\xc3\xa9");
    CHECK_FALSE(parameter(parameters, "charset"));
}

TEST_CASE("a character cut between two encoded words is whole again", "[mime]") {
    CHECK(decode_words("=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=") == "\xe2\x82\xac");
    CHECK(decode_words("=?nosuch?q?a?= b") == "a b");
    CHECK(decode_words("a =?broken b") == "a =?broken b");
    CHECK(decode_words("caf\xe9") == "caf\xc3\xa9");
    CHECK(decode_words("=?x/../y?q?a?=") == "a");
}

TEST_CASE("base64 and quoted-printable are undone tolerantly", "[mime]") {
    CHECK(decode_transfer("SGVs\r\nbG8=", "base64") == "Hello");
    CHECK(decode_transfer("SGVsbG8", "BASE64") == "Hello");
    CHECK(decode_transfer("SGk=SGk=", "base64") == "HiHi");
    CHECK(decode_transfer("a=3Db=\r\nc =\n d  \r\n=zz=", "quoted-printable") == "a=bc  d\r\n=zz=");
}

TEST_CASE("mailbox names in modified UTF-7 [RFC 3501 5.1.3]", "[mime]") {
    auto [utf8, utf7] = GENERATE(table<std::string, std::string>({
        {"INBOX", "INBOX"},
        {"A&B", "A&-B"},
        {"Entw\xc3\xbcrfe", "Entw&APw-rfe"},
        {"\xe5\x8f\xb0\xe5\x8c\x97", "&U,BTFw-"},
        {"\xf0\x9f\x98\x80x", "&2D3eAA-x"},
        {"", ""},
    }));
    CHECK(utf8_to_utf7(utf8) == utf7);
    CHECK(utf7_to_utf8(utf7) == utf8);
}

TEST_CASE("broken modified UTF-7 and UTF-8 are refused", "[mime]") {
    for (const char* text : {"&", "&A", "a\x80", "&AGE-", "&2D0-", "&3gA-", "&!-", "&AP-"}) {
        INFO(text);
        CHECK_FALSE(utf7_to_utf8(text));
    }
    for (const char* text : {"\x80", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
        CHECK_FALSE(utf8_to_utf7(text));
}

}  // namespace
}  // namespace facteur::mime

TEST_CASE("names keep the spaces behind their dots [RFC 5322 4.1]", "[mime]") {
    auto [text, name, mailbox] = GENERATE(table<std::string, std::string, std::string>({
        {"Joe Q. Public <a@b>", "Joe Q. Public", "a"},
        {"J. R. \"Bob\" Dobbs <a@b>", "J. R. Bob Dobbs", "a"},
        {"a.b.c <a@b>", "a.b.c", "a"},
        {"a . b@c", "", "a.b"},
        {"a@b (Joe Q. Public)", "Joe Q. Public", "a"},
        {"<a@b> (no name)", "", "a"},
    }));
    INFO(text);
    auto addresses = facteur::mime::parse_addresses(text, 5);
    REQUIRE(addresses.size() == 1);
    CHECK(addresses[0].name == name);
    CHECK(addresses[0].mailbox == mailbox);
}
