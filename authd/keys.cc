#include "authd/keys.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/net/sign.h"

namespace facteur::authd {
namespace {

constexpr std::size_t kFileLimit = 1 << 20;

struct FreeBio {
    void operator()(BIO* bio) const { ::BIO_free(bio); }
};
struct FreeCertificate {
    void operator()(X509* certificate) const { ::X509_free(certificate); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;

Bio reader(std::string_view text) {
    return Bio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::unexpected<Error> in_file(const std::string& path, const Error& error) {
    return permanent(path + ": " + error.text);
}

}  // namespace

Keys::Keys() = default;
Keys::~Keys() = default;

void Keys::FreeKey::operator()(evp_pkey_st* key) const {
    ::EVP_PKEY_free(key);
}

std::vector<std::pair<std::string_view, std::string_view>> pem_blocks(std::string_view text) {
    constexpr std::string_view kBegin = "-----BEGIN ";
    constexpr std::string_view kDashes = "-----";
    std::vector<std::pair<std::string_view, std::string_view>> blocks;
    for (;;) {
        const auto begin = text.find(kBegin);
        if (begin == std::string_view::npos) return blocks;
        text.remove_prefix(begin);
        const auto label_end = text.find(kDashes, kBegin.size());
        if (label_end == std::string_view::npos) return blocks;
        const auto label = text.substr(kBegin.size(), label_end - kBegin.size());
        const std::string end_line = "-----END " + std::string(label) + "-----";
        const auto end = text.find(end_line);
        if (end == std::string_view::npos) return blocks;
        blocks.emplace_back(label, text.substr(0, end + end_line.size()));
        text.remove_prefix(end + end_line.size());
    }
}

Result<Keys::Key> Keys::parse_key(const std::string& pem) {
    // An encrypted key must not make OpenSSL ask for its password on a terminal.
    auto no_password = [](char*, int, int, void*) { return 0; };
    Key key(::PEM_read_bio_PrivateKey(reader(pem).get(), nullptr, no_password, nullptr));
    ::ERR_clear_error();
    if (!key) return permanent("no usable private key (is it encrypted?)");
    return key;
}

Result<void> Keys::add(const std::string& service, Key key, std::string chain) {
    const Certificate leaf(::PEM_read_bio_X509(reader(chain).get(), nullptr, nullptr, nullptr));
    ::ERR_clear_error();
    if (!leaf) return permanent("no usable certificate");
    const bool belongs = ::X509_check_private_key(leaf.get(), key.get()) == 1;
    ::ERR_clear_error();
    if (!belongs) return permanent("the private key does not belong to the certificate");
    std::string id = public_key_id(key.get());
    keys_.insert_or_assign(std::move(id), std::move(key));
    chains_[service].push_back(std::move(chain));
    return {};
}

// As smtpd_tls_chain_files in Postfix: a key, its certificate, the issuers; then the next key.
Result<void> Keys::add_chain_file(const std::string& service, std::string_view text) {
    Key key;
    std::string chain;
    for (const auto& [label, block] : pem_blocks(text)) {
        if (label.ends_with("PRIVATE KEY")) {
            if (key) {
                TRY_VOID(add(service, std::move(key), std::exchange(chain, {})));
            }
            TRY(key, parse_key(std::string(block)));
        } else if (label == "CERTIFICATE") {
            chain.append(block).append("\n");
        }
    }
    if (!key) return permanent("no private key in front of the certificates");
    return add(service, std::move(key), std::move(chain));
}

Result<void> Keys::load(const std::string& service, const TlsFiles& files) {
    for (const std::string& path : files.chain_files()) {
        TRY(auto text, read_file(path, kFileLimit));
        if (auto added = add_chain_file(service, text); !added) return in_file(path, added.error());
    }
    if (!files.chain_files().empty()) return {};
    TRY_VOID(add_pair(service, files.cert_file(), files.key_file()));
    return add_pair(service, files.eccert_file(), files.eckey_file());
}

Result<void> Keys::add_pair(const std::string& service, const std::string& cert_file,
                            const std::string& key_file) {
    if (cert_file.empty()) return {};
    TRY(auto certificates, read_file(cert_file, kFileLimit));
    TRY(auto key_text, read_file(key_file, kFileLimit));
    auto key = parse_key(key_text);
    if (!key) return in_file(key_file, key.error());
    std::string chain;
    for (const auto& [label, block] : pem_blocks(certificates))
        if (label == "CERTIFICATE") chain.append(block).append("\n");
    auto added = add(service, *std::move(key), std::move(chain));
    if (!added) return in_file(cert_file, added.error());
    return {};
}

const std::vector<std::string>& Keys::chains(const std::string& service) const {
    static const std::vector<std::string> none;
    const auto found = chains_.find(service);
    return found == chains_.end() ? none : found->second;
}

Result<std::string> Keys::sign(const std::string& key, std::string_view scheme,
                               std::string_view content) const {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return permanent("no such private key");
    return sign_with_key(found->second.get(), scheme, content);
}

}  // namespace facteur::authd
