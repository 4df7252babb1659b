#include "authd/proven.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/base/encoding.h"

namespace facteur::authd {

Proven::Proven(std::size_t entries, Milliseconds lifetime)
    : most_(entries), lifetime_(lifetime), key_(random_bytes(32)) {}

std::string Proven::digest_of(std::string_view user, std::string_view stored,
                              std::string_view password) const {
    // None of the three can hold a NUL, so the concatenation is unambiguous.
    std::string text;
    text.append(user).append(1, '\0').append(stored).append(1, '\0').append(password);
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    ::HMAC(::EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
    ::OPENSSL_cleanse(text.data(), text.size());
    return std::string(reinterpret_cast<const char*>(out), size);
}

bool Proven::knows(std::string_view user, std::string_view stored, std::string_view password) {
    if (most_ == 0) return false;
    const auto found = known_.find(digest_of(user, stored, password));
    return found != known_.end() && found->second->until > Loop::current().now();
}

void Proven::remember(std::string_view user, std::string_view stored, std::string_view password) {
    if (most_ == 0) return;
    std::string digest = digest_of(user, stored, password);
    const auto found = known_.find(digest);
    if (found != known_.end()) {
        const auto entry = found->second;
        known_.erase(found);
        oldest_first_.erase(entry);
    } else if (oldest_first_.size() >= most_) {
        known_.erase(oldest_first_.front().digest);
        oldest_first_.pop_front();
    }
    oldest_first_.push_back({std::move(digest), Loop::current().now() + lifetime_});
    const auto entry = std::prev(oldest_first_.end());
    known_.emplace(entry->digest, entry);
}

}  // namespace facteur::authd
