#pragma once

#include <memory>
#include <string>

#include "lib/event/task.h"
#include "lib/net/tls.h"

namespace facteur::ipc {
class Client;
}

namespace facteur::login {

/// The TLS server of a process that may see no private key: certificates come from authd, and
/// authd signs each handshake.
class AuthdTls {
public:
    /// service: "smtp", "imap", "pop3".  The client must outlive this object and all connections.
    AuthdTls(ipc::Client& authd, std::string service, TlsServerOptions options = {});

    /// Asks authd the first time; nullptr when no certificate is configured.  A failure is asked
    /// again by the next caller.
    Task<Result<TlsServer*>> get();

private:
    ipc::Client& authd_;
    std::string service_;
    TlsServerOptions options_;
    std::unique_ptr<TlsServer> server_;
    bool is_known_ = false;
};

}  // namespace facteur::login
