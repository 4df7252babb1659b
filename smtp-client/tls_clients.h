#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "lib/event/task.h"
#include "lib/event/timers.h"
#include "lib/net/tls.h"

namespace facteur::ipc {
class Client;
}

namespace facteur::smtp_client {

/// The TLS clients of a process, made when they are first needed.  Client certificates come from
/// authd, which keeps their keys and signs.
class TlsClients {
public:
    /// Whose certificates are trusted.
    enum Trust : std::uint8_t {
        configured,  ///< smtp_tls_CAfile, smtp_tls_CApath
        web,         ///< the authorities of the Web, for MTA-STS (RFC 8461 section 4.2)
    };

    /// options: of `configured`, without certificates.  authd: nullptr has none.
    TlsClients(TlsClientOptions options, std::string web_ca_pem, ipc::Client* authd,
               std::string service);
    Task<Result<TlsClient*>> get(Trust trust);

private:
    Task<void> fetch_certificates();
    Result<TlsClient*> make(Trust trust);

    TlsClientOptions options_;
    std::string web_ca_pem_;
    ipc::Client* authd_;
    std::string service_;
    bool certificates_known_;
    TimePoint ask_again_{};
    std::array<TlsClient*, 2> current_{};
    std::vector<std::unique_ptr<TlsClient>> made_;  ///< connections may use older ones still
};

}  // namespace facteur::smtp_client
