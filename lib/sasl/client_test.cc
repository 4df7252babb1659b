#include "lib/sasl/client.h"

#include <catch2/catch.hpp>

#include "lib/base/encoding.h"
#include "lib/sasl/mechanism.h"

using namespace facteur;
using namespace facteur::sasl;
using namespace std::string_literals;

namespace {

const Credentials kPencil{"user", "pencil", ""};

ClientConnection with_nonce(const std::string& nonce) {
    ClientConnection connection;
    connection.nonce = nonce;
    return connection;
}

}  // namespace

TEST_CASE("SCRAM-SHA-1 speaks as the example [RFC 5802 5]", "[sasl]") {
    auto client = make_client("SCRAM-SHA-1", kPencil, with_nonce("fyko+d2lbbFgONRv9qkxdawL"));
    CHECK(client->initial_response() == "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
    CHECK(client->respond("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096")
              .value() ==
          "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
    CHECK_FALSE(client->finished());
    CHECK(client->respond("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=").value().empty());
    CHECK(client->finished());
    CHECK_FALSE(client->respond(""));
}

TEST_CASE("SCRAM-SHA-256 speaks as the example [RFC 7677 3]", "[sasl]") {
    auto client = make_client("scram-sha-256", kPencil, with_nonce("rOprNGfwEbeRWgbNEkqO"));
    CHECK(client->initial_response() == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    CHECK(client
              ->respond("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                        "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
              .value() ==
          "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
          "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    CHECK(client->respond("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").value().empty());
    CHECK(client->finished());
}

TEST_CASE("SCRAM does not believe a server that proves nothing", "[sasl]") {
    auto client = make_client("SCRAM-SHA-1", kPencil, with_nonce("fyko+d2lbbFgONRv9qkxdawL"));
    CHECK(client->initial_response());
    const auto* first = GENERATE(
        "r=fyko+d2lbbFgONRv9qkxdawL,s=QSXCR+Q6sek8bf92,i=4096",   // adds nothing to our nonce
        "r=another3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",  // of another exchange
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=0",
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=5000001",
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=-1",
        "r=fyko+d2lbbFgONRv9qkxdawLx,s=,i=4096", "r=fyko+d2lbbFgONRv9qkxdawLx,s=?,i=4096",
        "m=x,r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=4096", "e=other-error", ",", "r");
    CHECK_FALSE(client->respond(first));
    CHECK_FALSE(client->finished());
}

TEST_CASE("SCRAM refuses a wrong server signature", "[sasl]") {
    auto client = make_client("SCRAM-SHA-1", kPencil, with_nonce("fyko+d2lbbFgONRv9qkxdawL"));
    client->initial_response();
    REQUIRE(client->respond("r=fyko+d2lbbFgONRv9qkxdawL3rf,s=QSXCR+Q6sek8bf92,i=1"));
    const auto* last =
        GENERATE("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", "v=", "e=invalid-proof", "", "x=y");
    CHECK_FALSE(client->respond(last));
    CHECK_FALSE(client->finished());
}

TEST_CASE("SCRAM binds to the TLS connection [RFC 5802 6, RFC 9266]", "[sasl]") {
    ClientConnection connection = with_nonce("abc");
    CHECK_FALSE(make_client("SCRAM-SHA-256-PLUS", kPencil, connection));
    connection.tls_exporter = std::string(32, '\x07');
    auto plus = make_client("SCRAM-SHA-256-PLUS", kPencil, connection);
    CHECK(plus->initial_response() == "p=tls-exporter,,n=user,r=abc");
    auto said = plus->respond("r=abcdef,s=QSXCR+Q6sek8bf92,i=1").value();
    CHECK(said.starts_with("c=" + base64_encode("p=tls-exporter,," + connection.tls_exporter) +
                           ",r=abcdef,p="));
    CHECK(make_client("SCRAM-SHA-256", kPencil, connection)->initial_response() ==
          "y,,n=user,r=abc");
    connection.plus_left_out = true;
    CHECK(make_client("SCRAM-SHA-256", kPencil, connection)->initial_response() ==
          "n,,n=user,r=abc");
}

TEST_CASE("SCRAM escapes what a name must not hold", "[sasl]") {
    auto client = make_client("SCRAM-SHA-1", Credentials{"a=b,c", "x", ""}, with_nonce("n"));
    CHECK(client->initial_response() == "n,,n=a=3Db=2Cc,r=n");
    auto fresh = make_client("SCRAM-SHA-1", kPencil, ClientConnection());
    auto other = make_client("SCRAM-SHA-1", kPencil, ClientConnection());
    CHECK(fresh->initial_response() != other->initial_response());
}

TEST_CASE("CRAM-MD5 speaks as the example [RFC 2195 2]", "[sasl]") {
    auto client =
        make_client("CRAM-MD5", Credentials{"tim", "tanstaaftanstaaf", ""}, ClientConnection());
    CHECK_FALSE(client->initial_response());
    CHECK(client->respond("<1896.697170952@postoffice.reston.mci.net>").value() ==
          "tim b913a602c7eda7a495b4e6e7334d3890");
    CHECK_FALSE(client->respond("more?"));
}

TEST_CASE("OAUTHBEARER speaks as the example [RFC 7628 4.1]", "[sasl]") {
    ClientConnection connection;
    connection.host = "server.example.com";
    connection.port = 143;
    Credentials who{"user@example.com", "", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="};
    auto client = make_client("OAUTHBEARER", who, connection);
    CHECK(base64_encode(*client->initial_response()) ==
          "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVy"
          "IHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB");
    // RFC 7628 section 4.3: after the error comes a single %x01.
    CHECK(client->respond(R"({"status":"invalid_token"})").value() == "\x01");
    CHECK_FALSE(client->respond("more?"));
}

TEST_CASE("XOAUTH2 sends the token, or the password as one", "[sasl]") {
    auto client = make_client("XOAUTH2", Credentials{"a@b", "ya29", ""}, ClientConnection());
    CHECK(client->initial_response() == "user=a@b\x01"s + "auth=Bearer ya29\x01\x01");
    CHECK(client->respond("").value() == *client->initial_response());
    CHECK(client->respond(R"({"status":"401"})").value().empty());
}

TEST_CASE("the best usable mechanism comes first", "[sasl]") {
    using Names = std::vector<std::string>;
    const Names all = {"LOGIN",       "plain",   "GSSAPI",      "CRAM-MD5",
                       "SCRAM-SHA-1", "XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256-PLUS"};
    ClientConnection bound;
    bound.tls_exporter = "x";
    const Credentials token{"user", "", "t"};
    CHECK(usable_mechanisms(all, kPencil, ClientConnection(), 0) ==
          Names{"SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"});
    CHECK(usable_mechanisms(all, kPencil, bound, noplaintext | noanonymous) ==
          Names{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "CRAM-MD5"});
    CHECK(usable_mechanisms(all, kPencil, bound, mutual_auth) ==
          Names{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1"});
    CHECK(usable_mechanisms(all, kPencil, bound, nodictionary).empty());
    CHECK(usable_mechanisms(all, token, bound, 0) == Names{"OAUTHBEARER", "XOAUTH2"});
    CHECK(security_option("NoPlaintext") == noplaintext);
    CHECK_FALSE(security_option("nothing"));
}

TEST_CASE("credentials that cannot be said make no mechanism", "[sasl]") {
    CHECK_FALSE(make_client("PLAIN", Credentials{"a\0b"s, "p", ""}, ClientConnection()));
    CHECK_FALSE(make_client("PLAIN", Credentials{"", "p", ""}, ClientConnection()));
    CHECK_FALSE(
        make_client("PLAIN", Credentials{"a", std::string(8193, 'x'), ""}, ClientConnection()));
    CHECK_FALSE(make_client("GSSAPI", kPencil, ClientConnection()));
}

TEST_CASE("client and server agree", "[sasl]") {
    const std::string name = GENERATE("PLAIN", "LOGIN");
    auto client = make_client(name, Credentials{"us\xc3\xa9r", "p w", ""}, ClientConnection());
    auto server = make_server(name);
    auto response = client->initial_response();
    ServerStep step = server->step(response);
    while (const auto* challenge = std::get_if<Challenge>(&step)) {
        auto answer = client->respond(challenge->text);
        REQUIRE(answer);
        step = server->step(*answer);
    }
    const auto* told = std::get_if<CheckPassword>(&step);
    REQUIRE(told);
    CHECK(told->user + "|" + told->password == "us\xc3\xa9r|p w");
    CHECK_FALSE(client->respond("more?"));
}
