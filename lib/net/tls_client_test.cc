#include "lib/event/loop.h"
#include "lib/net/sign.h"
#include "lib/net/tls_fixture_test.h"
#include "lib/net/tls_sessions.h"

using namespace facteur;

namespace {

using Level = TlsClientWish::Level;
using Trust = TlsInfo::Trust;

std::string digest_of(const std::string& chain_pem) {
    auto chain = read_certificates(chain_pem);
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    X509_digest(chain.at(0).get(), EVP_sha256(), out, &size);
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
        char pair[4];
        std::snprintf(pair, sizeof pair, "%02X:", out[i]);
        text += pair;
    }
    return text;
}

std::string public_key_pem(const Made& made) {
    return pem_of([&](BIO* bio) { PEM_write_bio_PUBKEY(bio, made.key.get()); });
}

}  // namespace

TEST_CASE_METHOD(Pair, "a fingerprint of the certificate or of its key will do", "[net]") {
    auto made = make_certificate("prime256v1", "mx.example");
    auto server = serve_with({{made.chain_pem, made.key_pem}});
    auto client = client_with("");
    TlsClientWish wish;
    wish.level = Level::fingerprint;
    wish.digest = "sha256";
    wish.fingerprints.emplace_back("00:11");
    bool good = true;
    SECTION("of the certificate, in any form") {
        wish.fingerprints.push_back(digest_of(made.chain_pem));
    }
    SECTION("of the key") {
        wish.fingerprints.push_back(public_key_id(made.key.get()));
    }
    SECTION("of none") {
        good = false;
    }
    SECTION("by another digest") {
        wish.fingerprints.push_back(digest_of(made.chain_pem));
        wish.digest = "sha512";
        good = false;
    }
    shake(*server, *client, wish);
    CHECK(client_result.has_value() == good);
    if (good) CHECK(b->tls()->trust == Trust::verified);
    if (!good) CHECK(client_result.error().text == "Server certificate not trusted");
}

TEST_CASE_METHOD(Pair, "trust anchors stand in for the authorities", "[net]") {
    auto authority = make_certificate("prime256v1", "CA");
    auto other = make_certificate("prime256v1", "CA");
    auto made = make_certificate("prime256v1", "mx.example", &authority);
    auto server = serve_with({{made.chain_pem + authority.chain_pem, made.key_pem}});
    auto client = client_with("");
    TlsClientWish wish;
    wish.level = Level::verify;
    auto [anchor, name, error] = GENERATE(table<int, std::string, std::string>({
        {0, "mx.example", ""},
        {1, "mx.example", ""},
        {0, "other.example", "Server certificate not verified"},
        {2, "mx.example", "Server certificate not trusted"},
    }));
    wish.names.push_back(name);
    wish.anchors_pem = anchor == 0   ? authority.chain_pem
                       : anchor == 1 ? public_key_pem(authority)
                                     : other.chain_pem;
    shake(*server, *client, wish);
    INFO(anchor << " " << name);
    CHECK((client_result ? std::string() : client_result.error().text) == error);
}

namespace {

/// Handshakes over connections of their own, one after the other.
TlsInfo shake_again(TlsServer& server, TlsClient& client, const TlsClientWish& wish) {
    Pair pair;
    pair.shake(server, client, wish);
    if (!pair.b->tls()) return {};
    TlsInfo info = *pair.b->tls();
    std::string answer;
    if (pair.client_result) {
        pair.scope.spawn([](Stream& stream) -> Task<void> {
            co_await stream.peek();
            stream.put("x");
            co_await stream.flush();
            stream.close();
        }(*pair.a));
        pair.scope.spawn(Pair::say(*pair.b, "x", answer));
        pair.run();
        CHECK(answer == "x");
    }
    return info;
}

}  // namespace

TEST_CASE("a session is resumed for the same wish only, with what it proved", "[net]") {
    auto made = make_certificate("prime256v1", "mx.example");
    TlsServerOptions offer;
    offer.certificates.push_back({made.chain_pem, made.key_pem});
    offer.max_protocol = GENERATE("TLSv1.2", "TLSv1.3");
    auto server = TlsServer::create(offer);
    TlsClientOptions options;
    options.ca_pem = made.chain_pem;
    options.sessions = 2;
    auto client = TlsClient::create(options);
    TlsClientWish wish;
    wish.level = Level::verify;
    wish.names.emplace_back("mx.example");
    wish.session_of = "mx.example:25";
    CHECK_FALSE(shake_again(**server, **client, wish).resumed);
    TlsInfo second = shake_again(**server, **client, wish);
    CHECK(second.resumed);
    CHECK(second.trust == Trust::verified);
    CHECK(second.peer_name == "mx.example");
    wish.names.emplace_back("other.example");
    CHECK_FALSE(shake_again(**server, **client, wish).resumed);
    wish.session_of.clear();
    CHECK_FALSE(shake_again(**server, **client, wish).resumed);
    CHECK_FALSE(shake_again(**server, **client, wish).resumed);
    CHECK((*client)->sessions()->size() <= 2);
}

TEST_CASE("a session with a server that did not prove itself is not kept", "[net]") {
    auto made = make_certificate("prime256v1", "mx.example");
    auto server = serve_with({{made.chain_pem, made.key_pem}});
    TlsClientOptions options;
    options.sessions = 2;
    auto client = TlsClient::create(options);
    TlsClientWish wish;
    wish.level = Level::verify;
    wish.names.emplace_back("mx.example");
    wish.session_of = "mx.example:25";
    CHECK(shake_again(*server, **client, wish).trust == Trust::untrusted);
    CHECK((*client)->sessions()->size() == 0);
}

TEST_CASE_METHOD(Pair, "a client certificate whose key is elsewhere", "[net]") {
    auto made = make_certificate("prime256v1", "mx.example");
    auto own = make_certificate(GENERATE("prime256v1", "RSA"), "client.example");
    TlsServerOptions offer;
    offer.certificates.push_back({made.chain_pem, made.key_pem});
    offer.ask_client_certificate = true;
    offer.max_protocol = GENERATE("TLSv1.2", "TLSv1.3");
    auto server = TlsServer::create(offer);
    TlsClientOptions options;
    options.certificates.push_back({own.chain_pem, ""});
    int asked = 0;
    options.signer = [&](SignRequest request) -> Task<Result<std::string>> {
        ++asked;
        co_return sign_with_key(own.key.get(), request.scheme, request.content);
    };
    auto client = TlsClient::create(options);
    REQUIRE(client);
    shake(**server, **client, TlsClientWish());
    CHECK(server_result);
    CHECK(client_result);
    CHECK(asked == 1);
    REQUIRE(a->tls());
    CHECK(a->tls()->peer_name == "client.example");
}
