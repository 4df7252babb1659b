#include "smtp-client/tls_reporter.h"

#include <openssl/x509_vfy.h>

#include "smtp-client/delivery_fixture_test.h"

namespace facteur::smtp_client {
namespace {

TEST_CASE("what a report says of a policy [RFC 8460 4.4]", "[smtp-client]") {
    Target target;
    target.name = "MX.There.test";
    target.address = *Address::from_ip("192.0.2.1", 25);
    TlsPolicy policy;
    ipc::TlsResult told = policy_result("There.test", policy, target);
    CHECK(told.domain == "there.test");
    CHECK(told.server == "mx.there.test");
    CHECK(told.server_address == "192.0.2.1");
    CHECK(told.policy_type == "no-policy-found");
    CHECK(told.policy.empty());
    policy.sts_text = "version: STSv1\r\nmode: enforce\r\nmx: *.there.test\r\nmax_age: 9\r\n";
    told = policy_result("there.test", policy, target);
    CHECK(told.policy_type == "sts");
    CHECK(told.policy == std::vector<std::string>{"version: STSv1", "mode: enforce",
                                                  "mx: *.there.test", "max_age: 9"});
    CHECK(told.patterns == std::vector<std::string>{"*.there.test"});
    policy.tlsa.push_back({3, 1, 1, "\x01\xab"});
    told = policy_result("there.test", policy, target);
    CHECK(told.policy_type == "tlsa");
    CHECK(told.policy == std::vector<std::string>{"3 1 1 01ab"});
}

TEST_CASE("why a certificate was not good [RFC 8460 4.3]", "[smtp-client]") {
    TlsInfo info;
    info.why_code = X509_V_ERR_HOSTNAME_MISMATCH;
    CHECK(failure_type(info, false) == "certificate-host-mismatch");
    info.why_code = X509_V_ERR_CERT_HAS_EXPIRED;
    CHECK(failure_type(info, true) == "certificate-expired");
    info.why_code = X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
    CHECK(failure_type(info, false) == "certificate-not-trusted");
    CHECK(failure_type(info, true) == "validation-failure");
}

TEST_CASE_METHOD(Client, "an address may be verified by DATA", "[smtp-client]") {
    configure("smtp_address_verify_target = data\n");
    FakeServer server(scope);
    job.verify = true;
    SECTION("which the server agrees to") {
        CHECK(run(hop(server)).outcome == ipc::Outcome::delivered);
        CHECK(server.count("DATA") == 1);
        CHECK(server.contents.empty());
    }
    SECTION("or not") {
        server.replies["DATA"] = "550 5.7.1 never";
        CHECK(run(hop(server)).outcome == ipc::Outcome::failed);
    }
    SECTION("as it may refuse RCPT") {
        server.replies["RCPT"] = "550 5.1.1 nobody";
        CHECK(run(hop(server)).status == "5.1.1");
    }
}

TEST_CASE_METHOD(Client, "the answer to QUIT is waited for if wanted", "[smtp-client]") {
    configure("smtp_skip_quit_response = no\nsmtp_connection_cache_on_demand = no\n");
    FakeServer server(scope);
    CHECK(run(hop(server)).outcome == ipc::Outcome::delivered);
    loop.run_until([&] { return server.count("QUIT") == 1; });
}

TEST_CASE_METHOD(Client, "a server that drops at STARTTLS gets plain text, if that is allowed",
                 "[smtp-client]") {
    FakeServer server(scope);
    server.offers.push_back("STARTTLS");
    server.hang_up_at = "STARTTLS";
    SECTION("may") {
        configure("smtp_tls_security_level = may\n");
        CHECK(run(hop(server)).outcome == ipc::Outcome::delivered);
        CHECK(server.connections == 2);
    }
    SECTION("encrypt") {
        configure("smtp_tls_security_level = encrypt\n");
        CHECK(run(hop(server)).outcome == ipc::Outcome::deferred);
        CHECK(server.connections == 1);
    }
}

TEST_CASE_METHOD(Client, "REQUIRETLS and a server without TLS [RFC 8689 4.2.1]", "[smtp-client]") {
    FakeServer server(scope);
    job.requiretls = true;
    const auto& result = run(hop(server));
    CHECK(result.outcome == ipc::Outcome::failed);
    CHECK(result.status == "5.7.30");
    CHECK(server.count("MAIL") == 0);
}

}  // namespace
}  // namespace facteur::smtp_client
