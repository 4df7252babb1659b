#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "authd/settings.h"
#include "lib/base/result.h"

struct evp_pkey_st;

namespace facteur::authd {

/// The TLS certificates and their private keys.  The keys never leave: others get signatures.
class Keys {
public:
    Keys();
    ~Keys();

    /// Reads the files of one protocol ("smtp", "imap", "pop3"); as root, before the sandbox.
    /// Error: a file that cannot be read, a key that does not belong to its certificate.
    Result<void> load(const std::string& service, const TlsFiles& files);

    /// Certificate chains in PEM, in the order of the parameters; empty when none is configured.
    const std::vector<std::string>& chains(const std::string& service) const;
    Result<std::string> sign(const std::string& key, std::string_view scheme,
                             std::string_view content) const;

private:
    struct FreeKey {
        void operator()(evp_pkey_st* key) const;
    };
    using Key = std::unique_ptr<evp_pkey_st, FreeKey>;

    static Result<Key> parse_key(const std::string& pem);
    Result<void> add(const std::string& service, Key key, std::string chain);
    Result<void> add_pair(const std::string& service, const std::string& cert_file,
                          const std::string& key_file);
    Result<void> add_chain_file(const std::string& service, std::string_view text);

    std::map<std::string, std::vector<std::string>> chains_;
    std::map<std::string, Key> keys_;
};

/// The "-----BEGIN x-----" blocks of a text: label and block.
std::vector<std::pair<std::string_view, std::string_view>> pem_blocks(std::string_view text);

}  // namespace facteur::authd
