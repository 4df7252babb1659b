#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "lib/base/time.h"
#include "lib/event/timers.h"
#include "lib/net/tls.h"

struct ssl_session_st;
struct ssl_st;
struct ssl_ctx_st;

namespace facteur {

/// The sessions that a client may resume, each with what its first handshake proved: a resumed
/// one shows no certificate.  Only those whose peer was what the wish demanded are kept, and only
/// the same wish finds them again.
class TlsSessions {
public:
    TlsSessions(std::size_t most, Seconds time) : most_(most), time_(time) {}
    ~TlsSessions();
    TlsSessions(const TlsSessions&) = delete;
    TlsSessions& operator=(const TlsSessions&) = delete;

    /// Ties one connection to its sessions; lives as long as the connection.
    class Binding {
    public:
        Binding(TlsSessions& sessions, std::string key)
            : sessions_(sessions), key_(std::move(key)) {}
        ~Binding();
        Binding(const Binding&) = delete;
        Binding& operator=(const Binding&) = delete;

        /// After the handshake: whether what comes may be kept.  A resumed session tells in
        /// `info` what its first handshake proved.
        void judged(bool good, TlsInfo& info);
        /// A session that the server offers; takes it over.
        void take(ssl_session_st* session);

    private:
        friend class TlsSessions;
        TlsSessions& sessions_;
        std::string key_;
        std::optional<TlsInfo> first_;  ///< of the session that is to be resumed
        std::optional<TlsInfo> proved_;
        ssl_session_st* early_ = nullptr;  ///< came before the verdict, as in TLSv1.2
    };
    /// nullptr when the wish names no server.
    std::unique_ptr<Binding> bind(ssl_st* ssl, const TlsClientWish& wish);

    /// Has connections of this context offer their sessions to their Binding.
    static void watch(ssl_ctx_st* context);
    std::size_t size() const { return kept_.size(); }

private:
    struct Kept {
        std::string key;
        ssl_session_st* session;
        TlsInfo info;
        TimePoint until;
    };
    void keep(const std::string& key, ssl_session_st* session, const TlsInfo& info);
    void drop(std::list<Kept>::iterator entry);

    std::size_t most_;
    Seconds time_;
    std::list<Kept> kept_;  ///< oldest first
    std::unordered_multimap<std::string, std::list<Kept>::iterator> index_;
};

}  // namespace facteur
