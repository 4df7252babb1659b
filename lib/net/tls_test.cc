#include "lib/net/tls.h"

#include "lib/event/sleep.h"
#include "lib/net/sign.h"
#include "lib/net/tls_fixture_test.h"

using namespace facteur;

TEST_CASE_METHOD(Pair, "a handshake, an echo and a close_notify", "[net]") {
    Made made = make_certificate("P-256", "mx.example");
    auto server = serve_with({{made.chain_pem, made.key_pem}});
    auto client = client_with("");
    TlsClientWish wish;
    wish.sni = "mx.example";
    shake(*server, *client, wish);
    REQUIRE(server_result);
    REQUIRE(client_result);
    CHECK(a->tls()->sni == "mx.example");
    CHECK(a->tls()->trust_text() == "Anonymous");
    CHECK(b->tls()->trust_text() == "Untrusted");
    CHECK(b->tls()->text() ==
          "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 "
          "server-signature ECDSA (prime256v1) server-digest SHA256");
    CHECK(a->tls()->text() == b->tls()->text());
    std::string text(200000, 'q'), answer;
    scope.spawn(echo(*a));
    scope.spawn(say(*b, text, answer));
    run();
    CHECK(answer == text);
}

TEST_CASE_METHOD(Pair, "trust depends on the authority and on the name", "[net]") {
    Made made = make_certificate("P-256", "mx.example");
    auto server = serve_with({{made.chain_pem, made.key_pem}});
    auto [known, name, level, good, text] =
        GENERATE(table<bool, std::string, TlsClientWish::Level, bool, std::string>({
            {true, "mx.example", TlsClientWish::Level::verify, true, "Verified"},
            {true, ".example", TlsClientWish::Level::verify, true, "Verified"},
            {true, "other.example", TlsClientWish::Level::verify, false, "Trusted"},
            {false, "mx.example", TlsClientWish::Level::verify, false, "Untrusted"},
            {true, "other.example", TlsClientWish::Level::opportunistic, true, "Trusted"},
            {false, "mx.example", TlsClientWish::Level::opportunistic, true, "Untrusted"},
        }));
    auto client = client_with(known ? made.chain_pem : "");
    TlsClientWish wish;
    wish.names.push_back(name);
    wish.level = level;
    shake(*server, *client, wish);
    INFO(name);
    CHECK(client_result.has_value() == good);
    CHECK(b->tls()->trust_text() == text);
}

TEST_CASE_METHOD(Pair, "the certificate follows the name that was asked for", "[net]") {
    Made one = make_certificate("P-256", "one.example");
    Made two = make_certificate("P-256", "*.two.example");
    auto server = serve_with({{one.chain_pem, one.key_pem}, {two.chain_pem, two.key_pem}});
    auto [asked, got] = GENERATE(table<std::string, std::string>({
        {"one.example", "one.example"},
        {"IMAP.two.example", "*.two.example"},
        {"a.b.two.example", "one.example"},
        {"other.example", "one.example"},
        {"", "one.example"},
    }));
    auto client = client_with("");
    TlsClientWish wish;
    wish.sni = asked;
    shake(*server, *client, wish);
    REQUIRE(client_result);
    CHECK(b->tls()->peer_name == got);
}

TEST_CASE_METHOD(Pair, "a TLSA record stands in for an authority [RFC 7672 3.1]", "[net]") {
    Made made = make_certificate("P-256", "mx.example");
    auto server = serve_with({{made.chain_pem, made.key_pem}});
    auto client = client_with("");
    bool right = GENERATE(true, false);
    TlsClientWish wish;
    wish.level = TlsClientWish::Level::dane;
    wish.names.push_back("mx.example");
    TlsClientWish::Tlsa record;
    record.usage = 3;
    record.selector = 1;
    record.matching = 1;
    std::string id = public_key_id(made.key.get());
    for (std::size_t i = 0; i < id.size(); i += 2)
        record.data += static_cast<char>(std::stoi(id.substr(i, 2), nullptr, 16));
    if (!right) record.data[0] = static_cast<char>(record.data[0] ^ 1);
    wish.tlsa.push_back(record);
    shake(*server, *client, wish);
    CHECK(client_result.has_value() == right);
}

namespace {

/// Holds the keys, as authd does; answers after a while.
struct KeyHolder {
    Scope& scope;
    EVP_PKEY* key;
    int asked = 0;
    bool refuse = false;
    SignRequest last = SignRequest();

    Task<Result<std::string>> sign(SignRequest request) {
        ++asked;
        last = request;
        co_await Sleep(scope, Milliseconds(1));
        if (refuse) co_return temporary("no");
        co_return sign_with_key(key, request.scheme, request.content);
    }
};

}  // namespace

TEST_CASE_METHOD(Pair, "the private key may be in another process", "[net]") {
    auto [kind, protocol, scheme] = GENERATE(table<std::string, std::string, std::string>({
        {"RSA", "TLSv1.3", "rsa_pss_rsae_sha256"},
        {"RSA", "TLSv1.2", "rsa_pss_rsae_sha256"},
        {"P-256", "TLSv1.3", "ecdsa_secp256r1_sha256"},
        {"P-256", "TLSv1.2", "ecdsa_secp256r1_sha256"},
        {"P-384", "TLSv1.3", "ecdsa_secp384r1_sha384"},
        {"ED25519", "TLSv1.3", "ed25519"},
    }));
    INFO(kind << " " << protocol);
    Made made = make_certificate(kind, "mx.example");
    KeyHolder holder{scope, made.key.get()};
    TlsServerOptions options;
    options.certificates.push_back({made.chain_pem, ""});
    options.max_protocol = protocol;
    options.signer = [&holder](SignRequest request) { return holder.sign(std::move(request)); };
    auto server = TlsServer::create(options);
    REQUIRE(server);
    auto client = client_with(made.chain_pem);
    TlsClientWish wish;
    wish.level = TlsClientWish::Level::verify;
    wish.names.push_back("mx.example");
    shake(**server, *client, wish);
    CHECK(holder.asked == 1);
    CHECK(holder.last.key == *certificate_key_id(made.chain_pem));
    CHECK(holder.last.scheme == scheme);
    INFO((server_result ? "" : server_result.error().text));
    REQUIRE(client_result);
    CHECK(b->tls()->protocol == protocol);
    std::string answer;
    scope.spawn(echo(*a));
    scope.spawn(say(*b, "hello", answer));
    run();
    CHECK(answer == "hello");
}

TEST_CASE_METHOD(Pair, "a signature that is refused ends the handshake only", "[net]") {
    Made made = make_certificate("P-256", "mx.example");
    KeyHolder holder{scope, made.key.get()};
    holder.refuse = true;
    TlsServerOptions options;
    options.certificates.push_back({made.chain_pem, ""});
    options.signer = [&holder](SignRequest request) { return holder.sign(std::move(request)); };
    auto server = TlsServer::create(options);
    REQUIRE(server);
    auto client = client_with("");
    shake(**server, *client, TlsClientWish());
    CHECK_FALSE(server_result);
    CHECK_FALSE(client_result);
}

TEST_CASE_METHOD(Pair, "cancelling in the middle of a signature leaves nothing behind", "[net]") {
    Made made = make_certificate("P-256", "mx.example");
    KeyHolder holder{scope, made.key.get()};
    TlsServerOptions options;
    options.certificates.push_back({made.chain_pem, ""});
    options.signer = [&holder](SignRequest request) { return holder.sign(std::move(request)); };
    auto server = TlsServer::create(options);
    auto client = client_with("");
    scope.spawn(serve(*a, **server, server_result));
    scope.spawn(ask(*b, *client, TlsClientWish(), client_result));
    loop.run_until([&] { return holder.asked == 1; });
    scope.cancel();
    run();
    CHECK_FALSE(client_result);
}

TEST_CASE_METHOD(Pair, "what came before the handshake is forgotten [RFC 3207 4.2]", "[net]") {
    Made made = make_certificate("P-256", "mx.example");
    auto server = serve_with({{made.chain_pem, made.key_pem}});
    auto client = client_with("");
    struct Steps {
        static Task<void> inject(Stream& stream, TlsClient& tls, std::string& answer) {
            stream.put("STARTTLS\r\nINJECTED\r\n");
            co_await stream.flush();
            co_await stream.read_line(10);
            TlsClientWish wish;
            Result<void> done = co_await stream.start_tls(tls, std::move(wish));
            if (!done) co_return;
            stream.put("CLEAN\r\n");
            co_await stream.flush();
            Line line = co_await stream.read_line(100);
            answer = line.text;
        }
        static Task<void> obey(Stream& stream, TlsServer& tls) {
            co_await stream.read_line(100);
            stream.put("220\r\n");
            co_await stream.flush();
            Result<void> done = co_await stream.start_tls(tls);
            if (!done) co_return;
            Line line = co_await stream.read_line(100);
            stream.put(line.text + "\r\n");
            co_await stream.flush();
        }
    };
    std::string answer;
    scope.spawn(Steps::obey(*a, *server));
    scope.spawn(Steps::inject(*b, *client, answer));
    run();
    CHECK(answer == "CLEAN");
}

TEST_CASE_METHOD(Pair, "a peer that speaks no TLS fails the handshake", "[net]") {
    auto client = client_with("");
    a->put("220 hello\r\n");
    struct Steps {
        static Task<void> flush(Stream& stream) { co_await stream.flush(); }
    };
    scope.spawn(ask(*b, *client, TlsClientWish(), client_result));
    scope.spawn(Steps::flush(*a));
    run();
    REQUIRE_FALSE(client_result);
    CHECK(client_result.error().text == "TLS: wrong version number");
}
