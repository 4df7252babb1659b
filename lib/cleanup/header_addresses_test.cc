#include "lib/cleanup/header_addresses.h"

#include <catch2/catch.hpp>

using namespace facteur::cleanup;

namespace {

/// Each address found, and the value with all of them replaced.
std::pair<std::vector<std::string>, std::string> found(std::string_view value) {
    auto spans = address_spans(value, 100);
    std::vector<std::string> addresses;
    for (AddressSpan& span : spans) {
        addresses.push_back(span.address);
        span.address = "new@x.test";
    }
    return {addresses, with_addresses(value, spans)};
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("addresses are found where they stand [RFC 5322 section 3.4]", "[cleanup]") {
    struct Case {
        std::string value;
        List addresses;
        std::string replaced;
    };
    const Case cases[] = {
        {" a@b.test", {"a@b.test"}, " new@x.test"},
        {" user", {"user"}, " new@x.test"},
        {" \"Last, First\" <a@b>, c@d (Mr. <x@y>)\n\t,\n e",
         {"a@b", "c@d", "e"},
         " \"Last, First\" <new@x.test>, new@x.test (Mr. <x@y>)\n\t,\n new@x.test"},
        {" =?utf-8?Q?J=C3=B6rg_x?= <j@b>", {"j@b"}, " =?utf-8?Q?J=C3=B6rg_x?= <new@x.test>"},
        {" Friends: a@b, C <c@d>;, e@f",
         {"a@b", "c@d", "e@f"},
         " Friends: new@x.test, C <new@x.test>;, new@x.test"},
        {" undisclosed-recipients:;", {}, " undisclosed-recipients:;"},
        {" \"odd one\"@b.test", {"odd one@b.test"}, " new@x.test"},
        {" a (x) @ (y) b.test (z)", {"a@b.test"}, " new@x.test (z)"},
        {" <@r1,@r2:a@b>", {"a@b"}, " <new@x.test>"},
        {" a@[192.0.2.1]", {"a@[192.0.2.1]"}, " new@x.test"},
        {" <>", {}, " <>"},
        {" John Doe a@b", {}, " John Doe a@b"},
        {" a@b@c", {}, " a@b@c"},
        {" <a@b", {}, " <a@b"},
        {" \"open <a@b>", {}, " \"open <a@b>"},
        {" <a@b> <c@d>", {"a@b"}, " <new@x.test> <c@d>"},
        {" a.b.c@d.", {"a.b.c@d."}, " new@x.test"},
        {" ((((", {}, " (((("},
        {" a\\@b", {}, " a\\@b"},
    };
    for (const Case& one : cases) {
        INFO(one.value);
        const auto [addresses, replaced] = found(one.value);
        CHECK(addresses == one.addresses);
        CHECK(replaced == one.replaced);
    }
}

TEST_CASE("no more addresses than the limit", "[cleanup]") {
    CHECK(address_spans("a,b,c", 2).size() == 2);
}

TEST_CASE("an address is quoted where it must be", "[cleanup]") {
    auto spans = address_spans("x@y", 1);
    spans.at(0).address = "a b@c.test";
    CHECK(with_addresses("x@y", spans) == "\"a b\"@c.test");
}

TEST_CASE("fields of senders and of recipients", "[cleanup]") {
    CHECK(field_class("from") == FieldClass::sender);
    CHECK(field_class("Resent-Cc") == FieldClass::recipient);
    CHECK(field_class("Subject") == FieldClass::none);
}
