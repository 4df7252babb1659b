#include "smtpd/tls_choice.h"

#include <catch2/catch.hpp>

#include "lib/config/load.h"
#include "smtpd/settings.h"

using namespace facteur;
using namespace facteur::smtpd;

TEST_CASE("ciphers are chosen by grade, less what is excluded", "[smtpd]") {
    Settings settings;
    const auto list = [&](const std::string& text) {
        REQUIRE(conf::load_text(settings, text).empty());
        return cipher_list(settings.tls);
    };
    CHECK(list("").empty());
    CHECK(list("tls_medium_cipherlist = A:B\nsmtpd_tls_exclude_ciphers = aNULL, RC4\n") ==
          "A:B:!aNULL:!RC4");
    CHECK(list("tls_high_cipherlist = H\nsmtpd_tls_ciphers = high\n") == "H");
    CHECK(list("smtpd_tls_security_level = encrypt\nsmtpd_tls_mandatory_ciphers = high\n"
               "tls_high_cipherlist = H\nsmtpd_tls_mandatory_exclude_ciphers = SHA1\n") ==
          "H:!SHA1");
    CHECK(list("smtpd_tls_exclude_ciphers = 3DES\n") == "DEFAULT:!3DES");
}

TEST_CASE("curves and options are OpenSSL's", "[smtpd]") {
    Settings settings;
    conf::load_text(settings, "tls_eecdh_auto_curves = X25519, prime256v1\n");
    CHECK(curves(settings.tls) == "X25519:prime256v1");
    conf::load_text(settings, "smtpd_tls_eecdh_grade = ultra\n");
    CHECK(curves(settings.tls) == "secp384r1");
    conf::load_text(settings, "smtpd_tls_eecdh_grade = none\n");
    CHECK(curves(settings.tls).empty());
    CHECK(ssl_options({}) == 0);
    CHECK(ssl_options({"NO_TICKET", "0x1"}) == ((std::uint64_t{1} << 14) | 1));
    CHECK_FALSE(ssl_options({"NO_SUCH_THING"}));
}
