#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/base/time.h"
#include "lib/net/address.h"

namespace facteur {

/// One page of a server that proves who it is, or what is posted there.
struct HttpsQuestion {
    std::string host;
    std::uint16_t port = 443;
    std::string path;
    std::vector<Address> addresses;  ///< of the host: nobody else is asked for them
    std::string ca_pem;              ///< the authorities
    std::size_t limit = 65536;       ///< most bytes of the page
    std::string posted_type;         ///< of what is posted; empty: nothing is
    std::string posted;
    Milliseconds timeout{60000};  ///< for all of it
};
struct HttpsPage {
    long status = 0;
    std::string type;  ///< Content-Type, as it came
    std::string body;
};
/// Why there is no page: Error::status is "certificate" when the server did not prove itself.
/// Blocks, so it belongs to a worker thread.  Follows no redirection, keeps nothing.
Result<HttpsPage> https_exchange(const HttpsQuestion& question);

}  // namespace facteur
