#pragma once

#include <string>
#include <string_view>

#include "lib/base/time.h"
#include "smtpd/client.h"

namespace facteur {
struct TlsInfo;
}

namespace facteur::smtpd {

/// What the Received: field of one message tells (RFC 5321 section 4.4), in Postfix's form.
struct TraceFacts {
    const Client& client;
    std::string_view host;       ///< $myhostname
    std::string_view mail_name;  ///< "Facteur"
    std::string_view queue_id;
    std::string_view recipient;  ///< external form, when there is only one
    WallTime when;
    bool smtputf8 = false;
    const TlsInfo* tls = nullptr;  ///< when it is to be told
    bool show_login = false;
    std::optional<std::int8_t> priority = std::nullopt;  ///< RFC 6710 section 4.2
    bool asked_certificate = false;                      ///< the client was asked for one
};

/// Folded, with CR LF at each end of line.
std::string received_field(const TraceFacts& facts);

}  // namespace facteur::smtpd
