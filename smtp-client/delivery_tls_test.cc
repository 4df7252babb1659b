#include "smtp-client/delivery_fixture_test.h"

using namespace facteur;
using namespace facteur::smtp_client;
using ipc::Outcome;

namespace {

// A certificate for mx.test, signed by itself, and its key: of no use but here.
constexpr const char* kCertificate =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBjzCCATWgAwIBAgIUFfBi42HuEYnpDsmMBMgMD9DWSp4wCgYIKoZIzj0EAwIw\n"
    "EjEQMA4GA1UEAwwHbXgudGVzdDAgFw0yNjExMjIxMzAzMjBaGA8yMTI2MTAyOTEz\n"
    "MDMyMFowEjEQMA4GA1UEAwwHbXgudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEH\n"
    "A0IABLqapMHmzWHIbSbKmjPpHSuo7xD8RifaDT3WT68GoNco4CxYxCVKNPvWoA2p\n"
    "DS1BlZbXKvxklros+1hG+vtv9FejZzBlMB0GA1UdDgQWBBQNmm3TP1IQEqd4Ezn5\n"
    "r9uPrpfEXjAfBgNVHSMEGDAWgBQNmm3TP1IQEqd4Ezn5r9uPrpfEXjAPBgNVHRMB\n"
    "Af8EBTADAQH/MBIGA1UdEQQLMAmCB214LnRlc3QwCgYIKoZIzj0EAwIDSAAwRQIh\n"
    "AKlgaTcLWrOffw+hDfpeRSGMq1N4EvNm6YXltwmmxxNuAiBW7OjgjKZvPJ+0QwZf\n"
    "7G5V4e/X5gLJwT5SWpVWGUXtow==\n"
    "-----END CERTIFICATE-----\n";
constexpr const char* kKey =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/MeiqR/5+BljqsBC\n"
    "dQ5d3cMlO/e1FYaDFwaiWYqFXZOhRANCAAS6mqTB5s1hyG0mypoz6R0rqO8Q/EYn\n"
    "2g091k+vBqDXKOAsWMQlSjT71qANqQ0tQZWW1yr8ZJa6LPtYRvr7b/RX\n"
    "-----END PRIVATE KEY-----\n";

std::unique_ptr<TlsServer> tls_server() {
    TlsServerOptions options;
    options.certificates.push_back({kCertificate, kKey});
    auto server = TlsServer::create(options);
    REQUIRE(server);
    return *std::move(server);
}

}  // namespace

TEST_CASE_METHOD(Client, "TLS as the level asks for it", "[smtp-client]") {
    auto with_tls = tls_server();
    FakeServer server(scope);
    enum Ability { none, good, broken, refused };
    auto [level, ability, outcome, encrypted, words] =
        GENERATE(table<std::string, Ability, Outcome, int, std::string>({
            {"none", good, Outcome::delivered, 0, ""},
            {"may", good, Outcome::delivered, 1, ""},
            {"may", none, Outcome::delivered, 0, ""},
            {"may", broken, Outcome::delivered, 0, ""},
            {"may", refused, Outcome::delivered, 0, ""},
            {"encrypt", good, Outcome::delivered, 1, ""},
            {"encrypt", none, Outcome::deferred, 0, "TLS is required, but was not offered"},
            {"encrypt", broken, Outcome::deferred, 0, "Cannot start TLS: handshake failure"},
            {"encrypt", refused, Outcome::deferred, 0, "refused to start TLS: 454"},
            {"secure", good, Outcome::deferred, -1, "Server certificate not trusted"},
        }));
    INFO(level << " " << ability);
    configure("smtp_tls_loglevel = 1\nsmtp_tls_security_level = " + level);
    if (ability != none) server.tls = with_tls.get();
    server.break_tls = ability == broken;
    if (ability == refused) {
        server.tls = nullptr;
        server.offers.push_back("STARTTLS");
        server.replies["STARTTLS"] = "454 4.7.0 not now";
    }
    auto result = run(hop(server));
    INFO(result.text);
    CHECK(result.outcome == outcome);
    // A client that does not like the certificate may leave before the server is done.
    if (encrypted >= 0) CHECK(server.encrypted == encrypted);
    CHECK(result.text.find(words) != std::string::npos);
}

TEST_CASE_METHOD(Client, "smtp_tls_policy_maps knows better, and certificates are checked",
                 "[smtp-client]") {
    auto with_tls = tls_server();
    FakeServer server(scope);
    server.tls = with_tls.get();
    TlsClientOptions options;
    options.ca_pem = kCertificate;
    tls = std::make_unique<TlsClients>(options, "", nullptr, "smtp-client");
    configure("smtp_tls_policy_maps = hash:/x");
    auto [policy, outcome] = GENERATE(table<std::string, Outcome>({
        {"secure match=mx.test", Outcome::delivered},
        {"secure match=other.test:.test", Outcome::delivered},
        {"secure", Outcome::deferred},
        {"verify match=hostname", Outcome::deferred},
        {"none", Outcome::delivered},
        {"nonsense", Outcome::deferred},
    }));
    lookups.table[hop(server)] = policy;
    auto result = run(hop(server));
    INFO(policy << ": " << result.text);
    CHECK(result.outcome == outcome);
}

TEST_CASE_METHOD(Client, "REQUIRETLS goes to proved servers that offer it [RFC 8689 4.2.1]",
                 "[smtp-client]") {
    auto with_tls = tls_server();
    FakeServer server(scope);
    server.tls = with_tls.get();
    TlsClientOptions options;
    options.ca_pem = kCertificate;
    tls = std::make_unique<TlsClients>(options, "", nullptr, "smtp-client");
    job.requiretls = true;
    struct Row {
        std::string policy;
        bool offered;
        std::string status;
    };
    const Row row = GENERATE(values<Row>({
        {"secure match=mx.test", true, "2.0.0"},
        {"secure match=mx.test", false, "5.7.30"},
        {"may", true, "4.7.5"},  // no name in the certificate is that of the host
        {"none", true, "4.7.5"},
    }));
    INFO(row.policy << " " << row.offered);
    configure("smtp_tls_policy_maps = hash:/x");
    lookups.table[hop(server)] = row.policy;
    if (row.offered) server.offers.push_back("REQUIRETLS");
    auto result = run(hop(server));
    CHECK(result.status == row.status);
    CHECK((result.outcome == Outcome::failed) == (row.status == "5.7.30"));
    CHECK(server.count("MAIL FROM:<from@here.test> REQUIRETLS") == (row.status == "2.0.0" ? 1 : 0));
    if (row.status != "2.0.0") CHECK(server.count("MAIL") == 0);
}

TEST_CASE("what a message says about TLS [RFC 8689 3]", "[smtp-client]") {
    auto [text, optional] = GENERATE(table<std::string, bool>({
        {"Subject: x\r\nTLS-Required: No\r\n\r\nb\r\n", true},
        {"tls-required:no\r\n\r\n", true},
        {"TLS-Required: Yes\r\n\r\n", false},
        {"X-TLS-Required: No\r\n\r\n", false},
        {"Subject: x\r\n\r\nTLS-Required: No\r\n", false},
        {"", false},
    }));
    INFO(text);
    CHECK(Content(text).says_tls_optional() == optional);
}
