// Mechanisms that send one thing: a password, a digest of it, a token.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/sasl/client_mechanisms.h"

namespace facteur::sasl {
namespace {

Error asks_for_more(std::string_view mechanism) {
    return Error{Error::Kind::temporary, "4.7.0",
                 std::string(mechanism) + ": the server asks for more than there is to say"};
}

/// RFC 4616 section 2.
class Plain : public ClientMechanism {
public:
    explicit Plain(const Credentials& who) : who_(who) {}
    std::optional<std::string> initial_response() override {
        return std::string(1, '\0') + who_.user + '\0' + who_.password;
    }
    Result<std::string> respond(std::string_view) override {
        return std::unexpected(asks_for_more("PLAIN"));
    }

private:
    Credentials who_;
};

class Login : public ClientMechanism {
public:
    explicit Login(const Credentials& who) : who_(who) {}
    std::optional<std::string> initial_response() override { return std::nullopt; }
    // The prompts differ between servers ("User Name", "Username:"), the order does not.
    Result<std::string> respond(std::string_view) override {
        switch (step_++) {
            case 0:
                return who_.user;
            case 1:
                return who_.password;
            default:
                return std::unexpected(asks_for_more("LOGIN"));
        }
    }

private:
    Credentials who_;
    int step_ = 0;
};

/// RFC 2195 section 2: the user, and the keyed digest of the challenge in hex.
class CramMd5 : public ClientMechanism {
public:
    explicit CramMd5(const Credentials& who) : who_(who) {}
    std::optional<std::string> initial_response() override { return std::nullopt; }
    Result<std::string> respond(std::string_view challenge) override {
        if (said_) return std::unexpected(asks_for_more("CRAM-MD5"));
        said_ = true;
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        const auto* text = reinterpret_cast<const unsigned char*>(challenge.data());  // NOLINT
        if (!::HMAC(::EVP_md5(), who_.password.data(), static_cast<int>(who_.password.size()), text,
                    challenge.size(), digest, &size)) {
            return temporary("CRAM-MD5: OpenSSL refuses MD5", "4.7.0");
        }
        return who_.user + " " +
               hex_encode(std::string_view(reinterpret_cast<const char*>(digest), size));
    }

private:
    Credentials who_;
    bool said_ = false;
};

const std::string& token_of(const Credentials& who) {
    return who.token.empty() ? who.password : who.token;
}

/// Both ways to send a token say in a last challenge, in JSON, why it was refused.
class Bearer : public ClientMechanism {
public:
    Bearer(std::string first, std::string farewell)
        : first_(std::move(first)), farewell_(std::move(farewell)) {}
    std::optional<std::string> initial_response() override { return first_; }
    // An empty challenge is how a server asks for the first response that did not fit the command.
    Result<std::string> respond(std::string_view challenge) override {
        if (told_) return std::unexpected(asks_for_more("OAUTH"));
        if (challenge.empty()) return first_;
        told_ = true;
        return farewell_;
    }

private:
    std::string first_;
    std::string farewell_;
    bool told_ = false;
};

/// RFC 5801 section 4: a name inside the GS2 header.
std::string saslname(std::string_view name) {
    return replace_all(replace_all(std::string(name), "=", "=3D"), ",", "=2C");
}

}  // namespace

std::unique_ptr<ClientMechanism> make_plain_client(const Credentials& who) {
    return std::make_unique<Plain>(who);
}

std::unique_ptr<ClientMechanism> make_login_client(const Credentials& who) {
    return std::make_unique<Login>(who);
}

std::unique_ptr<ClientMechanism> make_cram_md5_client(const Credentials& who) {
    return std::make_unique<CramMd5>(who);
}

std::unique_ptr<ClientMechanism> make_xoauth2_client(const Credentials& who) {
    return std::make_unique<Bearer>(
        "user=" + who.user + "\x01" + "auth=Bearer " + token_of(who) + "\x01\x01", std::string());
}

std::unique_ptr<ClientMechanism> make_oauthbearer_client(const Credentials& who,
                                                         const ClientConnection& connection) {
    std::string first = "n,a=" + saslname(who.user) + ",\x01";
    if (!connection.host.empty()) first += "host=" + connection.host + "\x01";
    if (connection.port != 0) first += "port=" + std::to_string(connection.port) + "\x01";
    first += "auth=Bearer " + token_of(who) + "\x01\x01";
    // RFC 7628 section 3.2.3: the answer to an error is a single %x01.
    return std::make_unique<Bearer>(std::move(first), std::string("\x01"));
}

}  // namespace facteur::sasl
