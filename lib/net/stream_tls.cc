// The TLS half of Stream.

#include <cerrno>
#include <cstring>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/event/readiness.h"
#include "lib/net/openssl.h"
#include "lib/net/stream.h"
#include "lib/net/stream_parts.h"

namespace facteur {

Stream::Tls::~Tls() {
    ::SSL_free(ssl);
}

const TlsInfo* Stream::tls() const {
    return tls_ ? tls_->info.get() : nullptr;
}

std::string Stream::tls_exporter() const {
    constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
    constexpr std::size_t kSize = 32;
    if (!tls_ || !tls_->info || ::SSL_version(tls_->ssl) < TLS1_3_VERSION) return {};
    std::string bytes(kSize, '\0');
    auto* out = reinterpret_cast<unsigned char*>(bytes.data());  // NOLINT: OpenSSL's type
    bool good = ::SSL_export_keying_material(tls_->ssl, out, kSize, kLabel.data(), kLabel.size(),
                                             nullptr, 0, 1) == 1;
    return good ? bytes : std::string();
}

/// Waits for what the failed call said it needs; throws Closed when it cannot be repeated.
Task<void> Stream::settle(int ssl_result) {
    int saved = errno;
    switch (::SSL_get_error(tls_->ssl, ssl_result)) {
        case SSL_ERROR_WANT_READ:
            co_await wait_for(Readiness::read);
            break;
        case SSL_ERROR_WANT_WRITE:
            co_await wait_for(Readiness::write);
            break;
        case SSL_ERROR_WANT_ASYNC:
            co_await answer_signing();
            break;
        case SSL_ERROR_ZERO_RETURN:
            throw Closed("the peer closed the connection");
        case SSL_ERROR_SYSCALL:
            tls_->broken = true;
            throw Closed(std::string("lost connection") + (saved ? ": " : "") +
                         (saved ? std::strerror(saved) : ""));
        default:
            tls_->broken = true;
            throw Closed("TLS: " + openssl_error());
    }
}

Task<void> Stream::write_tls(std::string_view bytes) {
    while (!bytes.empty()) {
        need_open();
        check_deadline();
        ::ERR_clear_error();
        errno = 0;
        std::size_t sent = 0;
        int result = ::SSL_write_ex(tls_->ssl, bytes.data(), bytes.size(), &sent);
        bytes.remove_prefix(sent);
        if (result != 1) co_await settle(result);
    }
}

/// The handshake stopped for a signature: asks for it; the next call of OpenSSL goes on with it.
Task<void> Stream::answer_signing() {
    RemoteSigning& signing = tls_->signing;
    if (!signing.question || !tls_->signer || !*tls_->signer) {
        signing.answer.emplace(temporary("nobody to ask for a signature"));
        co_return;
    }
    SignRequest question = *std::move(signing.question);
    signing.question.reset();
    signing.answer.emplace(co_await (*tls_->signer)(std::move(question)));
}

namespace {

/// A paused ASYNC_JOB must be run to its end before its SSL may be freed, whatever ends the wait.
class FinishJob {
public:
    FinishJob(ssl_st* ssl, RemoteSigning& signing) : ssl_(ssl), signing_(signing) {}
    ~FinishJob() {
        if (!::SSL_waiting_for_async(ssl_)) return;
        signing_.answer.emplace(temporary("cancelled"));
        RemoteSigning::Current current(signing_);
        ::SSL_do_handshake(ssl_);
    }
    FinishJob(const FinishJob&) = delete;
    FinishJob& operator=(const FinishJob&) = delete;

private:
    ssl_st* ssl_;
    RemoteSigning& signing_;
};

}  // namespace

Task<Result<void>> Stream::handshake(ssl_st* ssl) {
    FinishJob finish(ssl, tls_->signing);
    for (;;) {
        try {
            need_open();
            check_deadline();
            ::ERR_clear_error();
            errno = 0;
            int result = 0;
            {
                RemoteSigning::Current current(tls_->signing);
                result = ::SSL_do_handshake(ssl);
            }
            if (result == 1) break;
            co_await settle(result);
        } catch (const Closed& failure) {
            tls_->broken = true;
            co_return temporary(failure.what(), "4.7.5");
        }
    }
    ::SSL_clear_mode(ssl, SSL_MODE_ASYNC);
    tls_->info = std::make_unique<TlsInfo>(describe(ssl));
    co_return Result<void>();
}

Task<Result<void>> Stream::start_tls(TlsServer& server) {
    discard_input();
    need_open();
    ssl_st* ssl = server.new_connection();
    if (!ssl) co_return temporary("cannot start TLS: " + openssl_error(), "4.7.5");
    tls_ = std::make_unique<Tls>(ssl);
    tls_->signer = &server.signer();
    if (::SSL_set_fd(ssl, socket_.get()) != 1) co_return temporary("cannot start TLS", "4.7.5");
    CO_TRY_VOID(co_await handshake(ssl));
    add_fingerprints(ssl, server.fingerprint_digest(), *tls_->info);
    co_return Result<void>();
}

Task<Result<void>> Stream::start_tls(TlsClient& client, TlsClientWish wish) {
    discard_input();
    need_open();
    ssl_st* ssl = client.new_connection(wish);
    if (!ssl) co_return temporary("cannot start TLS: " + openssl_error(), "4.7.5");
    tls_ = std::make_unique<Tls>(ssl);
    tls_->signer = &client.signer();
    if (client.sessions()) tls_->session = client.sessions()->bind(ssl, wish);
    if (::SSL_set_fd(ssl, socket_.get()) != 1) co_return temporary("cannot start TLS", "4.7.5");
    CO_TRY_VOID(co_await handshake(ssl));
    Result<void> verdict = judge_peer(ssl, wish, *tls_->info);
    if (tls_->session) tls_->session->judged(verdict.has_value(), *tls_->info);
    co_return verdict;
}

Task<void> Stream::say_close_notify() {
    for (int result = -1; result < 0 && !tls_->broken;) {
        need_open();
        ::ERR_clear_error();
        errno = 0;
        result = ::SSL_shutdown(tls_->ssl);
        if (result < 0) co_await settle(result);
    }
}

/// Says close_notify, so that the peer can tell the end from a cut (RFC 8446 section 6.1).
void Stream::close_tls() {
    if (tls_->broken || !tls_->info) return;
    ::ERR_clear_error();
    if (!io_->out.empty()) {
        ::SSL_write(tls_->ssl, io_->out.data(), static_cast<int>(io_->out.size()));
    }
    ::SSL_shutdown(tls_->ssl);
    ::ERR_clear_error();
}

}  // namespace facteur
