#include "lib/net/tls_sessions.h"

#include <openssl/ssl.h>

#include "lib/event/loop.h"

namespace facteur {
namespace {

int binding_slot() {
    static const int kSlot = ::SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return kSlot;
}

int on_session(SSL* ssl, SSL_SESSION* session) {
    auto* binding = static_cast<TlsSessions::Binding*>(::SSL_get_ex_data(ssl, binding_slot()));
    if (!binding) return 0;
    binding->take(session);
    return 1;
}

void add(std::string& key, std::string_view part) {
    key.append(std::to_string(part.size())).append(":").append(part);
}

/// All that a wish demands: a session proves nothing for another one.
std::string key_of(const TlsClientWish& wish) {
    std::string key;
    add(key, wish.session_of);
    add(key, wish.sni);
    add(key, std::to_string(static_cast<int>(wish.level)));
    for (const auto* list : {&wish.names, &wish.fingerprints}) {
        add(key, std::to_string(list->size()));
        for (const std::string& one : *list)
            add(key, one);
    }
    for (const auto& tlsa : wish.tlsa) {
        add(key, std::to_string(tlsa.usage * 65536 + tlsa.selector * 256 + tlsa.matching));
        add(key, tlsa.data);
    }
    for (const std::string* text : {&wish.digest, &wish.anchors_pem, &wish.min_protocol,
                                    &wish.max_protocol, &wish.cipher_list}) {
        add(key, *text);
    }
    add(key, std::to_string(wish.depth));
    add(key, wish.wildcards_span_labels ? "labels" : "label");
    return key;
}

}  // namespace

void TlsSessions::watch(SSL_CTX* context) {
    ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    ::SSL_CTX_sess_set_new_cb(context, on_session);
}

TlsSessions::~TlsSessions() {
    for (const Kept& kept : kept_)
        ::SSL_SESSION_free(kept.session);
}

TlsSessions::Binding::~Binding() {
    ::SSL_SESSION_free(early_);
}

void TlsSessions::Binding::take(SSL_SESSION* session) {
    if (proved_) {
        sessions_.keep(key_, session, *proved_);
        return;
    }
    ::SSL_SESSION_free(early_);
    early_ = session;
}

void TlsSessions::Binding::judged(bool good, TlsInfo& info) {
    if (info.resumed && first_) {
        info.trust = first_->trust;
        info.why = first_->why;
        info.why_code = first_->why_code;
        info.peer_name = first_->peer_name;
        info.issuer_name = first_->issuer_name;
        info.fingerprint = first_->fingerprint;
    }
    if (!good) return;
    proved_ = info;
    if (early_) sessions_.keep(key_, std::exchange(early_, nullptr), *proved_);
}

std::unique_ptr<TlsSessions::Binding> TlsSessions::bind(SSL* ssl, const TlsClientWish& wish) {
    if (wish.session_of.empty()) return nullptr;
    auto binding = std::make_unique<Binding>(*this, key_of(wish));
    ::SSL_set_ex_data(ssl, binding_slot(), binding.get());
    TimePoint now = Loop::current().now();
    while (!kept_.empty() && kept_.front().until <= now)
        drop(kept_.begin());
    auto found = index_.find(binding->key_);
    if (found == index_.end()) return binding;
    auto entry = found->second;
    if (::SSL_set_session(ssl, entry->session) == 1) binding->first_ = entry->info;
    // RFC 8446 appendix C.4: a ticket that is used twice lets observers link the connections.
    if (::SSL_SESSION_get_protocol_version(entry->session) >= TLS1_3_VERSION) drop(entry);
    return binding;
}

void TlsSessions::keep(const std::string& key, SSL_SESSION* session, const TlsInfo& info) {
    if (!::SSL_SESSION_is_resumable(session)) {
        ::SSL_SESSION_free(session);
        return;
    }
    kept_.push_back({key, session, info, Loop::current().now() + time_});
    index_.emplace(key, std::prev(kept_.end()));
    if (kept_.size() > most_) drop(kept_.begin());
}

void TlsSessions::drop(std::list<Kept>::iterator entry) {
    auto [from, to] = index_.equal_range(entry->key);
    for (auto one = from; one != to; ++one) {
        if (one->second != entry) continue;
        index_.erase(one);
        break;
    }
    ::SSL_SESSION_free(entry->session);
    kept_.erase(entry);
}

}  // namespace facteur
