// SCRAM (RFC 5802), with SHA-1 or SHA-256 (RFC 7677), bound to the TLS connection (RFC 9266).
#include <array>
#include <map>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/encoding.h"
#include "lib/base/text.h"
#include "lib/sasl/client_mechanisms.h"
#include "lib/sasl/password.h"
#include "lib/sasl/scheme.h"

namespace facteur::sasl {
namespace {

/// What one login may cost us: the server chooses the number.
constexpr std::uint64_t kMostIterations = 5'000'000;
constexpr std::size_t kMostServerText = 4096;

std::string as_string(const unsigned char* bytes, std::size_t size) {
    return std::string(reinterpret_cast<const char*>(bytes), size);
}

const unsigned char* as_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());  // NOLINT: OpenSSL's type
}

std::string hmac(const EVP_MD* md, std::string_view key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    ::HMAC(md, key.data(), static_cast<int>(key.size()), as_bytes(text), text.size(), out.data(),
           &size);
    return as_string(out.data(), size);
}

std::string scram_digest(const EVP_MD* md, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    ::EVP_Digest(text.data(), text.size(), out.data(), &size, md, nullptr);
    return as_string(out.data(), size);
}

/// RFC 5802 section 2.2: Hi() is PBKDF2 with the digest's own length.
std::string hi(const EVP_MD* md, std::string_view password, std::string_view salt, int rounds) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    int size = ::EVP_MD_get_size(md);
    ::PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), as_bytes(salt),
                        static_cast<int>(salt.size()), rounds, md, size, out.data());
    return as_string(out.data(), static_cast<std::size_t>(size));
}

/// "r=…,s=…,i=…": attributes by their letter.  "m=" says that there is an extension which must be
/// understood (RFC 5802 section 5.1): there is none that is.
Result<std::map<char, std::string>> attributes(std::string_view text) {
    std::map<char, std::string> found;
    if (text.size() > kMostServerText) return temporary("SCRAM: the server says too much", "4.7.0");
    for (std::string_view part : split(text, ',')) {
        if (part.size() < 2 || !is_alpha(part[0]) || part[1] != '=' || part[0] == 'm')
            return temporary("SCRAM: malformed server message", "4.7.0");
        found.try_emplace(part[0], part.substr(2));
    }
    return found;
}

class Scram : public ClientMechanism {
public:
    Scram(const EVP_MD* md, bool plus, const Credentials& who, const ClientConnection& connection)
        : md_(md), password_(who.password), nonce_(connection.nonce) {
        if (nonce_.empty()) nonce_ = base64_encode(random_bytes(18));
        // RFC 5802 section 6: "y" tells a server that was robbed of its -PLUS form by somebody in
        // the middle; "n" that we would not use it.
        bool could = !connection.tls_exporter.empty() && !connection.plus_left_out;
        header_ = plus ? "p=tls-exporter,," : could ? "y,," : "n,,";
        if (plus) binding_ = connection.tls_exporter;
        // RFC 5802 section 5.1: "=" and "," in a name.
        std::string name = replace_all(replace_all(who.user, "=", "=3D"), ",", "=2C");
        first_bare_ = "n=" + name + ",r=" + nonce_;
    }
    ~Scram() override { wipe(password_); }
    Scram(const Scram&) = delete;
    Scram& operator=(const Scram&) = delete;

    std::optional<std::string> initial_response() override {
        step_ = Step::first;
        return header_ + first_bare_;
    }
    Result<std::string> respond(std::string_view challenge) override {
        switch (step_) {
            case Step::first:
                if (challenge.empty()) return header_ + first_bare_;
                return final_message(challenge);
            case Step::final:
                return check_server(challenge);
            case Step::done:
                break;
        }
        return temporary("SCRAM: the server asks for more", "4.7.0");
    }
    bool finished() const override { return step_ == Step::done; }

private:
    /// RFC 5802 section 3.
    Result<std::string> final_message(std::string_view server_first) {
        TRY(auto said, attributes(server_first));
        const std::string& nonce = said['r'];
        auto salt = base64_decode(said['s']);
        auto rounds = parse_number(said['i']);
        // The nonce must begin with ours, or an old exchange could be played back.
        bool fresh = nonce.size() > nonce_.size() && nonce.starts_with(nonce_);
        if (!fresh || !salt || salt->empty() || !rounds || *rounds == 0)
            return temporary("SCRAM: malformed server message", "4.7.0");
        if (*rounds > kMostIterations)
            return temporary("SCRAM: the server asks for too many iterations", "4.7.0");
        std::string salted = hi(md_, password_, *salt, static_cast<int>(*rounds));
        std::string client_key = hmac(md_, salted, "Client Key");
        std::string bare = "c=" + base64_encode(header_ + binding_) + ",r=" + nonce;
        std::string message = first_bare_ + "," + std::string(server_first) + "," + bare;
        std::string proof = hmac(md_, scram_digest(md_, client_key), message);
        for (std::size_t i = 0; i < proof.size(); ++i)
            proof[i] = static_cast<char>(proof[i] ^ client_key[i]);
        signature_ = hmac(md_, hmac(md_, salted, "Server Key"), message);
        step_ = Step::final;
        return bare + ",p=" + base64_encode(proof);
    }
    /// The server proves that it knows the password, too.
    Result<std::string> check_server(std::string_view server_final) {
        TRY(auto said, attributes(server_final));
        if (said.contains('e'))
            return temporary("SCRAM: the server says " + printable(said['e'], 100), "4.7.8");
        auto signature = base64_decode(said['v']);
        if (!signature || !equal_in_constant_time(*signature, signature_))
            return temporary("SCRAM: the server does not know the password", "4.7.8");
        step_ = Step::done;
        return std::string();
    }

    enum class Step : std::uint8_t { first, final, done };
    const EVP_MD* md_;
    std::string password_;
    std::string nonce_;
    std::string header_;  ///< RFC 5801 section 4
    std::string binding_;
    std::string first_bare_;
    std::string signature_;
    Step step_ = Step::first;
};

}  // namespace

std::unique_ptr<ClientMechanism> make_scram_client(std::string_view digest_name, bool plus,
                                                   const Credentials& who,
                                                   const ClientConnection& connection) {
    if (plus && connection.tls_exporter.empty()) return nullptr;
    const EVP_MD* md = digest_name == "SHA1" ? ::EVP_sha1() : ::EVP_sha256();
    return std::make_unique<Scram>(md, plus, who, connection);
}

}  // namespace facteur::sasl
