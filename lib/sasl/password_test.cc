#include "lib/sasl/password.h"

#include <catch2/catch.hpp>

using namespace facteur;
using namespace facteur::sasl;
using namespace std::literals;

TEST_CASE("what `doveadm pw -p secret` wrote is verified", "[sasl]") {
    const auto stored = GENERATE(
        "{PLAIN}secret"s, "{plain}secret"s, "{CLEARTEXT}secret"s, "{PLAIN.HEX}736563726574"s,
        "{PLAIN.B64}c2VjcmV0"s,
        "{CRYPT}$2y$05$RUaEEOJQLK7eVc6G8kBYXOIfCXtwQGIEVuAM6TK8tc9BDAxRiXM3K"s,
        "{BLF-CRYPT}$2y$05$bcSZ2e6XBT8mNqkAx.I69uw4VaO4THyOSS2Kn9mZjEKnEtBBjY5S2"s,
        "{SHA512-CRYPT}$6$5jp2E9UT7UVw5TNk$8x.djJlabxNWdVWQggnR4L.HsIfBySXNpnSpNkexgq5bDp."
        "dizEfWEzs0ZRRMNlOXG/QxJutq41qja1hol8Lw."s,
        "{SHA256-CRYPT}$5$4IUvo9EICAN.CUFX$UlHn1QZ5gRhqMyuDSTyDMBPIrVtK9jusYgnEcdIplaD"s,
        "{MD5-CRYPT}$1$guh5B7Sd$n/PneH4.0bluc4UAeJiHn1"s,
        "{MD5}$1$Nv0DiDyx$Fr89olIL5JBH25NAKriNL."s, "{CRYPT}eCYRLIe2b7agE"s,
        "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$3fV8mbKCbigf0XwapgxlLQ$damG5rG/"
        "18lC66tMOcX6QgvhoYL6NX2LjzkPdQXFPTE"s,
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$EMt49LOurHXXHO1iW9Re3A$"
        "0Mn7ZOQebJcQMDjQ5wAt5hqeo5tuwGj/iwHMDHkGFPg"s,
        "{SSHA}Te1ZzQ4smFkFvcge1NMHP8ayuW8MxTWh"s,
        "{SSHA256}azpv4/vGi8OLvivBGkUEAWAAdYIilIHJUovfJ0+HdaKBeuIH"s,
        "{SSHA512}Y0REAUF+L4nOLEYW4heNvzLRBTpyFWcKy4qMUMrVTnsT3Vrc3l9mfLiHIfJlWAU3f28PoMgKVuaGWTTZ"
        "OGUIRedPj/I="s,
        "{SSHA512.B64}7X8S2j7ddkWEZOr1dSfedCHEWfkSkBR8pcqNcf9AXZunUx+"
        "L375HpToaFsUC0nsZZyrYreMyHDNZ301aRNf9lwp8qjM="s,
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="s, "{SHA1}5en6G6MezRroT3XKqkdPOmY/BfQ="s,
        "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols="s,
        "{SHA512.HEX}bd2b1aaf7ef4f09be9f52ce2d8d599674d81aa9d6a4421696dc4d93dd0619d682ce56b4d64a9ef"
        "097761ced99e0f67265b5f76085e5b0ee7ca4696b2ad6fe2b2"s,
        "{SHA512}bd2b1aaf7ef4f09be9f52ce2d8d599674d81aa9d6a4421696dc4d93dd0619d682ce56b4d64a9ef"
        "097761ced99e0f67265b5f76085e5b0ee7ca4696b2ad6fe2b2"s,
        "{SMD5}CrJa3IWmSVDYoJLuI3vPjtz3kV8="s, "{LDAP-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ=="s,
        "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69"s,
        "{PBKDF2}$1$k5q650woCFXk.X4i$5000$09006833cac95c707f2a59b1684bc0f550b73595"s,
        "$1$guh5B7Sd$n/PneH4.0bluc4UAeJiHn1"s);
    INFO(stored);
    CHECK(verify_password(stored, "secret") == true);
    CHECK(verify_password(stored, "Secret") == false);
    CHECK(verify_password(stored, "") == false);
}

TEST_CASE("what is made is verified, with a fresh salt each time", "[sasl]") {
    const auto scheme = GENERATE(from_range(password_schemes()));
    INFO(scheme);
    const auto stored = make_password(scheme, "p\xc3\xa4sswort");
    REQUIRE(stored);
    CHECK(stored->starts_with("{" + std::string(scheme) + "}"));
    CHECK(verify_password(*stored, "p\xc3\xa4sswort") == true);
    CHECK(verify_password(*stored, "passwort") == false);
    const std::string_view family = scheme;
    if (family.starts_with("SS") || family.starts_with("ARGON") || family.ends_with("-CRYPT")) {
        CHECK(make_password(scheme, "p\xc3\xa4sswort") != stored);
    }
}

TEST_CASE("a scheme may be made in another encoding", "[sasl]") {
    CHECK(make_password("sha256.hex", "secret") ==
          "{SHA256.HEX}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b");
    CHECK(make_password("PLAIN.B64", "secret") == "{PLAIN.B64}c2VjcmV0");
}

TEST_CASE("a damaged hash is an error, never a match", "[sasl]") {
    const auto stored =
        GENERATE("{NOSUCH}x"s, "{PLAIN"s, "{SHA256.ROT13}x"s, "{SHA256}!!!"s, "{SHA256}c2VjcmV0"s,
                 "{SSHA}c2VjcmV0"s, "{PBKDF2}$1$salt$0$00"s, "{PBKDF2}$2$salt$1$00"s, "{PBKDF2}"s,
                 "{ARGON2ID}"s, "{ARGON2ID}$argon2id$v=19$m=,t=3,p=1$a$b"s,
                 "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$EMt49LOurHXXHO1iW9Re3A$"s, "{CRYPT}"s,
                 "{CRYPT}*0"s, "{SHA512-CRYPT}$6$"s, "*"s, ""s, "{BLF-CRYPT}$2y$05$"s);
    INFO(stored);
    auto verdict = verify_password(stored, "secret");
    CHECK_FALSE(verdict.value_or(false));
    CHECK_FALSE(verify_password(stored, "").value_or(false));
}

TEST_CASE("a hash that costs too much is refused unread", "[sasl]") {
    const auto stored =
        GENERATE("{ARGON2ID}$argon2id$v=19$m=4000000000,t=3,p=1$EMt49LOurHXXHO1iW9Re3A$AAAA"s,
                 "{ARGON2ID}$argon2id$v=19$m=65536,t=4000000,p=1$EMt49LOurHXXHO1iW9Re3A$AAAA"s,
                 "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=4000$EMt49LOurHXXHO1iW9Re3A$AAAA"s,
                 "{BLF-CRYPT}$2y$31$bcSZ2e6XBT8mNqkAx.I69uw4VaO4THyOSS2Kn9mZjEKnEtBBjY5S2"s,
                 "{SHA512-CRYPT}$6$rounds=999999999$5jp2E9UT7UVw5TNk$x"s,
                 "{PBKDF2}$1$salt$4000000000$09006833cac95c707f2a59b1684bc0f550b73595"s);
    INFO(stored);
    CHECK_FALSE(verify_password(stored, "secret"));
}

TEST_CASE("a password with NUL or of extreme length never matches", "[sasl]") {
    CHECK(verify_password("{PLAIN}secret", "secret\0x"sv) == false);
    CHECK(verify_password("{PLAIN}secret", std::string(100'000, 'x')) == false);
    CHECK_FALSE(make_password("PLAIN", "a\0b"sv));
}

TEST_CASE("the memory of a verification is known beforehand", "[sasl]") {
    CHECK(password_memory_kib("{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$a$b") == 65536);
    CHECK(password_memory_kib("{PLAIN}secret") == 0);
}
