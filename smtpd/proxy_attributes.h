#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "smtpd/client.h"

namespace facteur::smtpd {

/// From whom mail came that a proxy hands on: XFORWARD.
struct Forwarded {
    std::string name, address, port, protocol, helo, ident, source;
    bool given = false;
};

/// The arguments of XCLIENT and XFORWARD, "NAME=value ADDR=[UNAVAILABLE] …": what a proxy says
/// about the client that it speaks for.  After an Error, which has the reply's text, nothing
/// counts.
Result<void> apply_xclient(Client& client, std::string_view arguments);
Result<void> apply_xforward(Forwarded& forwarded, std::string_view arguments);

}  // namespace facteur::smtpd
