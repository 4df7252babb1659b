#include "lib/smtp/address.h"

#include <catch2/catch.hpp>

#include "lib/smtp/domain.h"

using namespace facteur;
using namespace facteur::smtp;

TEST_CASE("a path becomes its internal and external forms [RFC 5321 4.1.2]", "[smtp]") {
    struct Row {
        std::string text, internal, external;
    };
    const Row row = GENERATE(values<Row>({
        {"<user@example.com>", "user@example.com", "user@example.com"},
        {"<\"john doe\"@example.com>", "john doe@example.com", "\"john doe\"@example.com"},
        {"<\"user\"@example.com>", "user@example.com", "user@example.com"},
        {"<\"a\\\"b\"@example.com>", "a\"b@example.com", "\"a\\\"b\"@example.com"},
        {"<\"a>b\"@example.com>", "a>b@example.com", "\"a>b\"@example.com"},
        {"<\"a@b\"@example.com>", "a@b@example.com", "\"a@b\"@example.com"},
        {"<@a.example,@b.example:user@example.com>", "user@example.com", "user@example.com"},
        {"<user@[192.0.2.1]>", "user@[192.0.2.1]", "user@[192.0.2.1]"},
        {"<user@[IPv6:2001:db8::1]>", "user@[IPv6:2001:db8::1]", "user@[IPv6:2001:db8::1]"},
        {"<user@[x400:c=de]>", "user@[x400:c=de]", "user@[x400:c=de]"},
        {"<a!#$%&'*+-/=?^_`{|}~b@example.com>", "a!#$%&'*+-/=?^_`{|}~b@example.com",
         "a!#$%&'*+-/=?^_`{|}~b@example.com"},
        {"<Postmaster>", "Postmaster", "Postmaster"},
        {"<>", "", ""},
        {" <user@example.com>", "user@example.com", "user@example.com"},
        {"user@example.com", "user@example.com", "user@example.com"},
        {"<a..b@example.com>", "a..b@example.com", "\"a..b\"@example.com"},
        {"<\"\"@example.com>", "@example.com", "\"\"@example.com"},
    }));
    INFO(row.text);
    std::string_view text = row.text;
    const auto mailbox = take_path(text);
    REQUIRE(mailbox);
    CHECK(text.empty());
    CHECK(mailbox->internal() == row.internal);
    CHECK(mailbox->external() == row.external);
    CHECK(to_external(row.internal) == row.external);
    if (!row.internal.empty()) CHECK(to_internal(row.external) == row.internal);
}

TEST_CASE("a bad path is refused with 5.1.3", "[smtp]") {
    const std::string bad = GENERATE(values<std::string>({"",
                                                          "<",
                                                          "<user@example.com",
                                                          "<user@>",
                                                          "<@example.com>",
                                                          "<@a.example:>",
                                                          "<@a.example,b@c>",
                                                          "<user@exa mple.com>",
                                                          "<user name@example.com>",
                                                          "<user@-a.com>",
                                                          "<user@a-.com>",
                                                          "<user@example..com>",
                                                          "<user@.example.com>",
                                                          "<user@example.com..>",
                                                          "<user@192.0.2.1>",
                                                          "<user@[300.1.1.1]>",
                                                          "<user@[IPv6:zz]>",
                                                          "<user@[1.2.3.4>",
                                                          "<user@[a:]>",
                                                          "<\"user@x>",
                                                          "<\"user\\\"@x>",
                                                          "<user@x>y",
                                                          "<us\x01"
                                                          "er@x>",
                                                          "<\"us\x01\"@x>",
                                                          "<us\xC3\xA9r@example.com>",
                                                          "<user@ex\xC3\xA4mple.com>",
                                                          "<a@b@c>",
                                                          std::string("<us\0er@x>", 10),
                                                          "<" + std::string(1000, 'a') + "@x>",
                                                          "<a@" + std::string(64, 'b') + ".com>"}));
    INFO(bad);
    std::string_view text = bad;
    const auto mailbox = take_path(text);
    REQUIRE_FALSE(mailbox);
    CHECK(mailbox.error().status == "5.1.3");
    CHECK_FALSE(mailbox.error().is_temporary());
}

TEST_CASE("what follows a path stays for its parameters", "[smtp]") {
    std::string_view text = "<a@b> SIZE=1";
    REQUIRE(take_path(text));
    CHECK(text == " SIZE=1");
    text = "a@b SIZE=1";
    REQUIRE(take_path(text));
    CHECK(text == " SIZE=1");
}

TEST_CASE("strict paths have brackets and no empty atoms", "[smtp]") {
    const std::string bad =
        GENERATE(values<std::string>({"a@b", " <a@b>", "<a..b@c>", "<.a@c>", "<a.@c>", "< a@b>"}));
    INFO(bad);
    AddressRules rules;
    rules.strict = true;
    std::string_view text = bad;
    CHECK_FALSE(take_path(text, rules));
}

TEST_CASE("SMTPUTF8 addresses need the extension and well-formed UTF-8 [RFC 6531 3.3]", "[smtp]") {
    AddressRules rules;
    rules.utf8 = true;
    std::string_view text = "<j\xC3\xB6rg@m\xC3\xBCnchen.example>";
    const auto mailbox = take_path(text, rules);
    REQUIRE(mailbox);
    CHECK(mailbox->external() == "j\xC3\xB6rg@m\xC3\xBCnchen.example");
    for (const std::string_view bad :
         {"<\xC3@a>", "<\xC0\x80@a>", "<\xED\xA0\x80@a>", "<a@\xF5\x80\x80\x80>"}) {
        text = bad;
        CHECK_FALSE(take_path(text, rules));
    }
}

TEST_CASE("a local part alone may be refused, but never postmaster [RFC 5321 4.1.1.3]", "[smtp]") {
    AddressRules rules;
    rules.local_alone = false;
    std::string_view text = "<user>";
    CHECK_FALSE(take_path(text, rules));
    text = "<pOstmaster>";
    CHECK(take_path(text, rules));
}

TEST_CASE("a path survives every truncation", "[smtp]") {
    const std::string whole = "<@a.example,@b.example:\"j\\\"d\"@[IPv6:2001:db8::1]>";
    for (std::size_t n = 0; n < whole.size(); ++n) {
        std::string_view text(whole.data(), n);
        CHECK_FALSE(take_path(text));
    }
}

TEST_CASE("domains and literals are recognized", "[smtp]") {
    for (const std::string_view good : {"a", "example.com", "a-b.c", "1.2", "_dmarc.example.com"})
        CHECK(is_domain(good));
    for (const std::string_view bad : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "a/b"})
        CHECK_FALSE(is_domain(bad));
    CHECK(is_domain(std::string(63, 'a') + ".b"));
    CHECK_FALSE(is_domain(std::string(64, 'a') + ".b"));
    std::string longest = std::string(63, 'a') + '.' + std::string(63, 'a') + '.' +
                          std::string(63, 'a') + '.' + std::string(63, 'a');
    CHECK(is_domain(longest));
    CHECK_FALSE(is_domain(longest + ".b"));
    CHECK(is_fqdn("a.b"));
    CHECK_FALSE(is_fqdn("localhost"));
    CHECK(literal_address("[192.0.2.1]") == "192.0.2.1");
    CHECK(literal_address("[ipv6:::1]") == "::1");
    CHECK(literal_address("[::1]").empty());
    CHECK_FALSE(is_address_literal("[::1]"));
    CHECK_FALSE(is_address_literal("192.0.2.1"));
    CHECK_FALSE(is_ipv4("192.0.2"));
    CHECK_FALSE(is_ipv6("fe80::1%eth0"));
}
