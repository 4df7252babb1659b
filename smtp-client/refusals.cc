#include "smtp-client/refusals.h"

#include <algorithm>
#include <array>

#include <openssl/evp.h>

#include "lib/event/loop.h"

namespace facteur::smtp_client {
namespace {

std::string key_of(const std::string& server, const std::string& user,
                   const std::string& password) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    ::EVP_Digest(password.data(), password.size(), out.data(), &size, ::EVP_sha256(), nullptr);
    return server + '\0' + user + '\0' +
           std::string(reinterpret_cast<const char*>(out.data()), size);
}

}  // namespace

std::optional<std::string> Refusals::find(const std::string& server, const std::string& user,
                                          const std::string& password) {
    const TimePoint now = Loop::current().now();
    while (!entries_.empty() && entries_.front().until <= now)
        entries_.pop_front();
    if (entries_.empty()) return std::nullopt;
    auto found = std::ranges::find(entries_, key_of(server, user, password), &Entry::key);
    if (found == entries_.end()) return std::nullopt;
    return found->words;
}

void Refusals::add(const std::string& server, const std::string& user, const std::string& password,
                   std::string words) {
    std::string key = key_of(server, user, password);
    std::erase_if(entries_, [&](const Entry& entry) { return entry.key == key; });
    if (entries_.size() >= most_) entries_.pop_front();
    entries_.push_back({std::move(key), std::move(words), Loop::current().now() + keep_});
}

}  // namespace facteur::smtp_client
