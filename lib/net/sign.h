#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"

struct evp_pkey_st;

namespace facteur {

/// Signs `content` as TLS does under the signature scheme (RFC 8446 section 4.2.3): what the
/// holder of a private key answers a SignRequest with.
Result<std::string> sign_with_key(evp_pkey_st* key, std::string_view scheme,
                                  std::string_view content);

/// SHA-256 of the key's SubjectPublicKeyInfo, lower-case hex: SignRequest::key.
std::string public_key_id(evp_pkey_st* key);

}  // namespace facteur
