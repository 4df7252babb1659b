#pragma once

// Unit tests only: certificates made on the spot, and both ends of a connection.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/net/openssl.h"
#include "lib/net/socket.h"
#include "lib/net/stream.h"

namespace facteur {

struct Made {
    PkeyPtr key;
    std::string chain_pem;
    std::string key_pem;
};

std::string pem_of(const std::function<void(BIO*)>& write);
PkeyPtr new_key(const std::string& kind);
/// Signed by issuer, or by itself.
Made make_certificate(const std::string& kind, const std::string& name,
                      const Made* issuer = nullptr);

/// Both ends over a socketpair, one after the other asked for its half.
struct Pair {
    Loop loop;
    Scope scope;
    std::unique_ptr<Stream> a, b;
    Result<void> server_result = temporary("not run");
    Result<void> client_result = temporary("not run");

    Pair() {
        auto ends = socket_pair();
        a = std::make_unique<Stream>(scope, std::move(ends->first));
        b = std::make_unique<Stream>(scope, std::move(ends->second));
    }
    void run() {
        loop.run_until([this] { return scope.running() == 0; });
    }
    static Task<void> serve(Stream& stream, TlsServer& server, Result<void>& result) {
        result = co_await stream.start_tls(server);
        if (!result) stream.close();
    }
    static Task<void> ask(Stream& stream, TlsClient& client, TlsClientWish wish,
                          Result<void>& result) {
        result = co_await stream.start_tls(client, std::move(wish));
        if (!result) stream.close();
    }
    void shake(TlsServer& server, TlsClient& client, const TlsClientWish& wish) {
        scope.spawn(serve(*a, server, server_result));
        scope.spawn(ask(*b, client, wish, client_result));
        run();
    }
    static Task<void> echo(Stream& stream) {
        for (;;) {
            std::string_view piece = co_await stream.peek();
            stream.put(piece);
            stream.consume(piece.size());
            co_await stream.flush();
        }
    }
    static Task<void> say(Stream& stream, std::string text, std::string& answer) {
        stream.put(text);
        co_await stream.flush();
        answer = co_await stream.read_exactly(text.size());
        stream.close();
    }
};

std::unique_ptr<TlsServer> serve_with(const std::vector<TlsServerOptions::Certificate>& list);
std::unique_ptr<TlsClient> client_with(const std::string& ca_pem, std::string protocol = "TLSv1.2");

}  // namespace facteur
