#include <algorithm>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/base/text.h"
#include "lib/net/openssl.h"
#include "lib/net/remote_key.h"
#include "lib/net/sign.h"

namespace facteur {

struct TlsServer::Contexts {
    struct Entry {
        SslCtxPtr context;
        std::vector<std::string> names;  ///< of the certificate, lower case
    };
    std::vector<Entry> entries;

    SSL_CTX* find(std::string_view name) const;
};

namespace {

/// "*.example.com" covers one label (RFC 6125 section 6.4.3).
bool covers(std::string_view pattern, std::string_view name) {
    if (!pattern.starts_with("*.")) return pattern == name;
    auto dot = name.find('.');
    return dot != std::string_view::npos && dot > 0 && name.substr(dot) == pattern.substr(1);
}

std::vector<std::string> names_of(X509* certificate) {
    std::vector<std::string> names;
    auto* found = static_cast<GENERAL_NAMES*>(
        ::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(found); ++i) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(found, i);
        if (name->type != GEN_DNS) continue;
        const auto* data = ::ASN1_STRING_get0_data(name->d.dNSName);
        auto size = static_cast<std::size_t>(::ASN1_STRING_length(name->d.dNSName));
        names.push_back(to_lower({reinterpret_cast<const char*>(data), size}));  // NOLINT
    }
    ::GENERAL_NAMES_free(found);
    return names;
}

int choose_certificate(SSL* ssl, int*, void* contexts) {
    const char* wanted = ::SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (!wanted) return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX* found = static_cast<TlsServer::Contexts*>(contexts)->find(to_lower(wanted));
    // A name that nobody has gets the default: mail clients ask for all sorts of names, and
    // checking the certificate is their business (RFC 6066 section 3).
    if (found) ::SSL_set_SSL_CTX(ssl, found);
    return SSL_TLSEXT_ERR_OK;
}

Result<void> use_certificate(SSL_CTX* context, const TlsServerOptions::Certificate& certificate) {
    auto chain = read_certificates(certificate.chain_pem);
    if (chain.empty()) return permanent("no certificate in PEM form");
    PkeyPtr key;
    EVP_PKEY* public_key = ::X509_get0_pubkey(chain.front().get());
    if (certificate.key_pem.empty()) {
        key.reset(make_remote_key(public_key, public_key_id(public_key)));
    } else {
        TRY(key, read_private_key(certificate.key_pem));
    }
    if (!key || ::SSL_CTX_use_certificate(context, chain.front().get()) != 1 ||
        ::SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
        return permanent("cannot use the certificate: " + openssl_error());
    }
    for (std::size_t i = 1; i < chain.size(); ++i)
        ::SSL_CTX_add1_chain_cert(context, chain[i].get());
    return {};
}

Result<void> set_ciphers(SSL_CTX* context, const TlsServerOptions& options) {
    // A remote key signs and does not decrypt, so there is no RSA key exchange; nobody should want
    // one: it has no forward secrecy.
    std::string list = options.cipher_list.empty() ? "DEFAULT" : options.cipher_list;
    if (::SSL_CTX_set_cipher_list(context, (list + ":!kRSA:!aNULL").c_str()) != 1) {
        return permanent("bad cipher list " + list + ": " + openssl_error());
    }
    if (options.prefer_server_ciphers) {
        ::SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
    }
    return {};
}

Result<void> set_protocols(SSL_CTX* context, const TlsServerOptions& options) {
    int least = protocol_version(options.min_protocol);
    int most = protocol_version(options.max_protocol);
    if ((least == 0 && !options.min_protocol.empty()) ||
        (most == 0 && !options.max_protocol.empty())) {
        return permanent("unknown TLS protocol; known are TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3");
    }
    ::SSL_CTX_set_min_proto_version(context, least);
    ::SSL_CTX_set_max_proto_version(context, most);
    return {};
}

Result<void> set_tickets(SSL_CTX* context, const TlsServerOptions& options) {
    if (!options.tickets) ::SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    ::SSL_CTX_set_num_tickets(context, options.tickets ? 1 : 0);
    static const unsigned char kContextId[] = "facteur";
    ::SSL_CTX_set_session_id_context(context, kContextId, sizeof kContextId - 1);
    if (options.ticket_keys.empty()) return {};
    std::string keys = options.ticket_keys;
    if (::SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), static_cast<long>(keys.size())) !=
        1) {
        return permanent("session ticket keys have the wrong size");
    }
    return {};
}

int accept_any_client(int, X509_STORE_CTX*) {
    return 1;  // the verdict stays in the verify result; the session decides what it is worth
}

/// Clients are told the names of the authorities, so that they can choose a certificate
/// (RFC 8446 section 4.2.4).
void trust(SSL_CTX* context, std::string_view ca_pem) {
    for (const X509Ptr& authority : read_certificates(ca_pem)) {
        ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context), authority.get());
        ::SSL_CTX_add_client_CA(context, authority.get());
    }
}

Result<SslCtxPtr> make_context(const TlsServerOptions& options) {
    SslCtxPtr context(::SSL_CTX_new(::TLS_server_method()));
    if (!context) return temporary("cannot set up TLS: " + openssl_error());
    harden(context.get());
    ::SSL_CTX_set_mode(context.get(), SSL_MODE_ASYNC);
    // A client may end its half of the connection without close_notify and still wants to hear its
    // answers.  Nothing is lost by that: our protocols say themselves where a command or a message
    // ends, and what is cut off before is never carried out.
    ::SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    TRY_VOID(set_protocols(context.get(), options));
    TRY_VOID(set_ciphers(context.get(), options));
    TRY_VOID(set_tickets(context.get(), options));
    if (!options.curves.empty() &&
        ::SSL_CTX_set1_groups_list(context.get(), options.curves.c_str()) != 1)
        return permanent("unknown curve among " + options.curves + ": " + openssl_error());
    ::SSL_CTX_set_options(context.get(), options.ssl_options);
    if (!options.ask_client_certificate) return context;
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, accept_any_client);
    ::SSL_CTX_set_verify_depth(context.get(), options.verify_depth);
    trust(context.get(), options.ca_pem);
    if (!options.ca_file.empty() &&
        ::SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str()) != 1) {
        return permanent("cannot read " + options.ca_file + ": " + openssl_error());
    }
    return context;
}

}  // namespace

SSL_CTX* TlsServer::Contexts::find(std::string_view name) const {
    for (const Entry& entry : entries) {
        for (const std::string& pattern : entry.names) {
            if (covers(pattern, name)) return entry.context.get();
        }
    }
    return nullptr;
}

TlsServer::TlsServer() : contexts_(std::make_unique<Contexts>()) {}
TlsServer::~TlsServer() = default;

Result<std::unique_ptr<TlsServer>> TlsServer::create(const TlsServerOptions& options) {
    std::unique_ptr<TlsServer> server(new TlsServer);
    server->signer_ = options.signer;
    server->fingerprint_digest_ = options.fingerprint_digest;
    auto& entries = server->contexts_->entries;
    for (const auto& certificate : options.certificates) {
        auto chain = read_certificates(certificate.chain_pem);
        if (chain.empty()) return permanent("no certificate in PEM form");
        auto names = names_of(chain.front().get());
        // Certificates of the same names with keys of different kinds belong together: the
        // handshake takes the one that the client can verify.
        auto same = std::ranges::find(entries, names, &Contexts::Entry::names);
        if (same == entries.end()) {
            TRY(SslCtxPtr context, make_context(options));
            entries.push_back({std::move(context), std::move(names)});
            same = std::prev(entries.end());
        }
        TRY_VOID(use_certificate(same->context.get(), certificate));
    }
    if (entries.empty()) return permanent("TLS needs a certificate");
    for (auto& entry : entries) {
        ::SSL_CTX_set_tlsext_servername_callback(entry.context.get(), choose_certificate);
        ::SSL_CTX_set_tlsext_servername_arg(entry.context.get(), server->contexts_.get());
    }
    return server;
}

SSL* TlsServer::new_connection() {
    SSL* ssl = ::SSL_new(contexts_->entries.front().context.get());
    if (ssl) ::SSL_set_accept_state(ssl);
    return ssl;
}

}  // namespace facteur
