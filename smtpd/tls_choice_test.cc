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
