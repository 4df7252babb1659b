#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/codec.h"
#include "lib/ipc/rpc.h"

namespace facteur::ipc {

/// smtp-client -> policyd: how one TLS session with a server of a domain went that wants to hear
/// of it (RFC 8460).
struct TlsResult {
    std::string domain;
    std::vector<std::string> addresses;  ///< who gets the report by mail
    std::vector<std::string> urls;       ///< and by HTTPS
    std::string policy_type;             ///< "tlsa", "sts", "no-policy-found"
    std::vector<std::string> policy;     ///< its records or lines
    std::vector<std::string> patterns;   ///< of MX hosts, of an MTA-STS policy
    std::string failure;                 ///< RFC 8460 section 4.3; empty: success
    std::string server;                  ///< MX host
    std::string server_address;
    std::string client_address;  ///< ours
    std::string reason;          ///< of the failure, in words

    using Reply = Nothing;
    static constexpr std::string_view kName = "tls-result";
    static constexpr auto fields() {
        using M = TlsResult;
        return std::tuple{Field{"domain", &M::domain},
                          Field{"addresses", &M::addresses},
                          Field{"urls", &M::urls, true},
                          Field{"policy_type", &M::policy_type},
                          Field{"policy", &M::policy, true},
                          Field{"patterns", &M::patterns, true},
                          Field{"failure", &M::failure, true},
                          Field{"server", &M::server, true},
                          Field{"server_address", &M::server_address, true},
                          Field{"client_address", &M::client_address, true},
                          Field{"reason", &M::reason, true}};
    }
};

/// policyd -> smtp-client, which alone may talk to the Internet: a report that is to be posted.
struct TlsUploadReply {
    std::string key;  ///< names it in TlsUploaded; empty: there is none now
    std::string url;
    std::string body;  ///< application/tlsrpt+gzip

    static constexpr auto fields() {
        using M = TlsUploadReply;
        return std::tuple{Field{"key", &M::key}, Field{"url", &M::url}, Field{"body", &M::body}};
    }
};
struct TlsUpload {
    using Reply = TlsUploadReply;
    static constexpr std::string_view kName = "tls-upload";
    static constexpr auto fields() { return std::tuple{}; }
};
/// How posting it went.
struct TlsUploaded {
    std::string key;
    bool done = false;

    using Reply = Nothing;
    static constexpr std::string_view kName = "tls-uploaded";
    static constexpr auto fields() {
        using M = TlsUploaded;
        return std::tuple{Field{"key", &M::key}, Field{"done", &M::done}};
    }
};

}  // namespace facteur::ipc
