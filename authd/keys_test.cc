#include "authd/keys.h"

#include <cstdio>
#include <fstream>

#include <catch2/catch.hpp>
#include <stdlib.h>
#include <unistd.h>

#include "lib/config/load.h"
#include "lib/net/tls.h"

using namespace facteur;
using namespace facteur::authd;

namespace {

/// A folder with a certificate and its key, and another key.
class Fixture {
public:
    Fixture() {
        REQUIRE(::mkdtemp(folder_.data()));
        const std::string make =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            "-subj /CN=mail.test 2>/dev/null ";
        REQUIRE(std::system((make + "-keyout " + path("key") + " -out " + path("cert")).c_str()) ==
                0);
        REQUIRE(std::system((make + "-keyout " + path("other") + " -out /dev/null").c_str()) == 0);
        REQUIRE(std::system(
                    ("cat " + path("key") + " " + path("cert") + " >" + path("chain")).c_str()) ==
                0);
    }
    ~Fixture() {
        for (const char* name : {"key", "cert", "other", "chain"})
            ::unlink(path(name).c_str());
        ::rmdir(folder_.c_str());
    }
    std::string path(const std::string& name) const { return folder_ + "/" + name; }
    void configure(const std::string& main_cf) {
        REQUIRE(conf::load_text(settings, main_cf).empty());
    }

    std::string folder_ = "/tmp/facteur-keys-XXXXXX";
    Settings settings;
    Keys keys;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a certificate and its key serve all protocols", "[authd]") {
    configure("smtpd_tls_cert_file = " + path("cert") + "\nsmtpd_tls_key_file = " + path("key") +
              "\n");
    REQUIRE(keys.load("smtp", settings.smtpd_tls));
    REQUIRE(keys.load("imap", settings.imapd_tls));
    REQUIRE(keys.chains("imap").size() == 1);
    CHECK(keys.chains("imap") == keys.chains("smtp"));
    CHECK(keys.chains("imap")[0].find("PRIVATE") == std::string::npos);
    CHECK(keys.chains("pop3").empty());

    const auto id = certificate_key_id(keys.chains("smtp")[0]);
    REQUIRE(id);
    CHECK(keys.sign(*id, "ecdsa_secp256r1_sha256", "content"));
    CHECK_FALSE(keys.sign(*id, "rsa_pss_rsae_sha256", "content"));
    CHECK_FALSE(keys.sign("00", "ecdsa_secp256r1_sha256", "content"));
}

TEST_CASE_METHOD(Fixture, "a second pair is for clients that know elliptic curves", "[authd]") {
    const std::string rsa =
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mail.test "
        "2>/dev/null -keyout " +
        path("other") + " -out " + path("chain");
    REQUIRE(std::system(rsa.c_str()) == 0);
    configure("smtpd_tls_cert_file = " + path("chain") + "\nsmtpd_tls_key_file = " + path("other") +
              "\nsmtpd_tls_eccert_file = " + path("cert") +
              "\nsmtpd_tls_eckey_file = " + path("key") + "\n");
    REQUIRE(keys.load("smtp", settings.smtpd_tls));
    REQUIRE(keys.chains("smtp").size() == 2);
    CHECK(keys.sign(*certificate_key_id(keys.chains("smtp")[1]), "ecdsa_secp256r1_sha256", "text"));
    REQUIRE(keys.load("imap", settings.imapd_tls));
    CHECK(keys.chains("imap") == keys.chains("smtp"));
}

TEST_CASE_METHOD(Fixture, "a chain file holds the key and its certificates", "[authd]") {
    configure("smtpd_tls_chain_files = " + path("chain") + "\n");
    REQUIRE(keys.load("smtp", settings.smtpd_tls));
    CHECK(keys.chains("smtp").size() == 1);
    configure("smtpd_tls_chain_files = " + path("cert") + "\n");
    CHECK_FALSE(keys.load("smtp", settings.smtpd_tls));
}

TEST_CASE_METHOD(Fixture, "what does not belong together is an error", "[authd]") {
    const std::string other = GENERATE("other", "cert", "nosuch");
    configure("smtpd_tls_cert_file = " + path("cert") + "\nsmtpd_tls_key_file = " + path(other) +
              "\n");
    CHECK_FALSE(keys.load("smtp", settings.smtpd_tls));
    CHECK(keys.chains("smtp").empty());
}

TEST_CASE("PEM blocks are found between other text", "[authd]") {
    const auto blocks = pem_blocks(
        "junk\n-----BEGIN A-----\nx\n-----END A-----\n-----BEGIN B C-----\n-----END B C-----"
        "-----BEGIN D-----\nnever ends");
    REQUIRE(blocks.size() == 2);
    CHECK(blocks[0].first == "A");
    CHECK(blocks[1].second == "-----BEGIN B C-----\n-----END B C-----");
    CHECK(pem_blocks("").empty());
    CHECK(pem_blocks("-----BEGIN ").empty());
}
