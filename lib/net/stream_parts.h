#pragma once

#include "lib/event/readiness.h"
#include "lib/net/block.h"
#include "lib/net/deflate.h"
#include "lib/net/remote_key.h"
#include "lib/net/stream.h"
#include "lib/net/tls_sessions.h"

struct ssl_st;

namespace facteur {

struct Stream::Io {
    explicit Io(int fd) : readiness(fd) {}

    Readiness readiness;
    Block in;
    std::string out;
    std::unique_ptr<Deflate> deflate;  ///< once the peers have agreed on it
    bool waiting[2] = {false, false};  ///< a coroutine waits for this direction
    unsigned busy = 0;                 ///< reads and writes since the last wait
};

struct Stream::Tls {
    explicit Tls(ssl_st* ssl_) : ssl(ssl_) {}
    ~Tls();
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;

    ssl_st* ssl;
    RemoteSigning signing;
    const Signer* signer = nullptr;
    std::unique_ptr<TlsSessions::Binding> session;  ///< of a client that may resume it
    std::unique_ptr<TlsInfo> info;                  ///< once the handshake is done
    bool broken = false;  ///< an error the session cannot recover from: no close_notify
};

}  // namespace facteur
