#pragma once

// The mechanisms behind make_client(), for its eyes only.

#include <memory>
#include <string_view>

#include "lib/sasl/client.h"

namespace facteur::sasl {

/// RFC 4616.
std::unique_ptr<ClientMechanism> make_plain_client(const Credentials& who);
/// draft-murchison-sasl-login.
std::unique_ptr<ClientMechanism> make_login_client(const Credentials& who);
/// RFC 2195.
std::unique_ptr<ClientMechanism> make_cram_md5_client(const Credentials& who);
/// RFC 5802, RFC 7677: `digest` is "SHA1" or "SHA256".
std::unique_ptr<ClientMechanism> make_scram_client(std::string_view digest, bool plus,
                                                   const Credentials& who,
                                                   const ClientConnection& connection);
/// Google's and Microsoft's XOAUTH2.
std::unique_ptr<ClientMechanism> make_xoauth2_client(const Credentials& who);
/// RFC 7628 section 3.
std::unique_ptr<ClientMechanism> make_oauthbearer_client(const Credentials& who,
                                                         const ClientConnection& connection);

}  // namespace facteur::sasl
