#include "smtp-client/tls_policy.h"

#include <catch2/catch.hpp>

#include "lib/config/load.h"

using namespace facteur;
using namespace facteur::smtp_client;

namespace {

struct Ground {
    Settings settings;
    TlsGround ground{settings};

    explicit Ground(const std::string& main_cf = "") {
        CHECK(conf::load_text(settings, main_cf).empty());
        ground.anchors["/etc/anchors/one.pem"] = "PEM1";
        ground.anchors["/etc/anchors/two.pem"] = "PEM2";
    }
    TlsPolicy parse(const std::string& line) const {
        auto policy = TlsPolicy::parse(line, ground);
        INFO(line);
        if (!policy) FAIL(policy.error().text);
        return *policy;
    }
    TlsClientWish wish(const std::string& line) const {
        Target target;
        target.name = "mx.example.com";
        target.address = *Address::from_ip("192.0.2.1", 25);
        return parse(line).wish(target, "example.org");
    }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a policy says which names a certificate may have", "[smtp-client]") {
    Ground ground;
    CHECK(ground.wish("verify").names == Names{"mx.example.com"});
    CHECK(ground.wish("secure").names == Names{"example.org", ".example.org"});
    CHECK(ground.wish("secure match=nexthop:a.test match=.b.test").names ==
          Names{"example.org", "a.test", ".b.test"});
    CHECK(ground.wish("encrypt").names.empty());
    CHECK(ground.wish("may").level == TlsClientWish::Level::opportunistic);
    Ground other("smtp_tls_secure_cert_match = hostname, x.test\n");
    CHECK(other.wish("secure").names == Names{"mx.example.com", "x.test"});
}

TEST_CASE("a policy may carry fingerprints", "[smtp-client]") {
    Ground ground("smtp_tls_fingerprint_digest = sha512\n");
    auto wish = ground.wish("fingerprint match=AA:BB|cc:dd match=EE:FF");
    CHECK(wish.level == TlsClientWish::Level::fingerprint);
    CHECK(wish.fingerprints == Names{"AA:BB", "cc:dd", "EE:FF"});
    CHECK(wish.digest == "sha512");
    CHECK(Ground().wish("fingerprint match=AA").digest == "sha256");
    CHECK(Ground("compatibility_level = 3.5\n").wish("fingerprint match=AA").digest == "md5");
}

TEST_CASE("versions and ciphers follow the level and the policy", "[smtp-client]") {
    Ground ground(
        "smtp_tls_protocols = >=TLSv1.1\nsmtp_tls_mandatory_protocols = >=TLSv1.2\n"
        "smtp_tls_mandatory_ciphers = high\ntls_high_cipherlist = HIGH\n"
        "smtp_tls_exclude_ciphers = RC4\nsmtp_tls_mandatory_exclude_ciphers = SHA1\n");
    CHECK(ground.wish("may").min_protocol == "TLSv1.1");
    CHECK(ground.wish("may").cipher_list == "DEFAULT:!RC4");
    CHECK(ground.wish("encrypt").min_protocol == "TLSv1.2");
    CHECK(ground.wish("encrypt").cipher_list == "HIGH:!RC4:!SHA1");
    auto wish = ground.wish("encrypt protocols=TLSv1.2 ciphers=medium exclude=AES128:DSS");
    CHECK(wish.max_protocol == "TLSv1.2");
    CHECK(wish.cipher_list == "DEFAULT:!RC4:!SHA1:!AES128:!DSS");
}

TEST_CASE("the name that is asked for", "[smtp-client]") {
    CHECK(Ground().wish("may").sni.empty());
    CHECK(Ground().wish("may servername=hostname").sni == "mx.example.com");
    CHECK(Ground().wish("may servername=nexthop").sni == "example.org");
    CHECK(Ground("smtp_tls_servername = x.test\n").wish("may").sni == "x.test");
}

TEST_CASE("trust anchors of a policy", "[smtp-client]") {
    CHECK(Ground()
              .wish("secure tafile=/etc/anchors/one.pem tafile=/etc/anchors/two.pem")
              .anchors_pem == "PEM1PEM2");
}

TEST_CASE("a policy with a mistake defers the mail", "[smtp-client]") {
    std::string line =
        GENERATE("", "nonsense", "may match=x.test", "encrypt tafile=/etc/anchors/one.pem",
                 "secure tafile=/etc/anchors/none.pem", "secure protocols=TLSv9",
                 "secure protocols=", "secure ciphers=weak", "secure match", "secure color=red",
                 "fingerprint", "may connection_reuse=perhaps", "may servername=a servername=b");
    if (line == "secure protocols=") line += "!TLSv1.2";
    INFO(line);
    Ground ground;
    auto policy = TlsPolicy::parse(line, ground.ground);
    REQUIRE_FALSE(policy);
    CHECK(policy.error().is_temporary());
    CHECK(policy.error().status == "4.7.5");
}

TEST_CASE("only domains have parents in the table of policies", "[smtp-client]") {
    CHECK(has_parents("example.com"));
    CHECK_FALSE(has_parents("[example.com]"));
    CHECK_FALSE(has_parents("example.com:587"));
    CHECK_FALSE(has_parents("192.0.2.1"));
    CHECK_FALSE(has_parents(""));
}
