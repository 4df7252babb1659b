#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lib/net/tls.h"
#include "lib/net/tls_versions.h"
#include "smtp-client/settings.h"
#include "smtp-client/targets.h"

namespace facteur::smtp_client {

/// What policies are made of: the parameters, and the anchors' files, which were
/// read before the sandbox.
struct TlsGround {
    const TlsSettings& settings;
    const SharedTlsSettings& shared;
    std::map<std::string, std::string> anchors;  ///< path to PEM text
    std::string default_anchors;                 ///< of the trust_anchor_file parameter

    explicit TlsGround(const Settings& all) : settings(all.tls), shared(all.shared_tls) {}
    /// Reads those files; what cannot be read is told.
    std::vector<Error> read_anchors();
};

/// How much TLS one next hop gets.
struct TlsPolicy {
    TlsLevel level = TlsLevel::none;
    std::vector<std::string> match;  ///< "hostname", "nexthop", "dot-nexthop", names, fingerprints
    TlsVersions versions;
    std::string ciphers;      ///< OpenSSL's list; empty: its default
    std::string server_name;  ///< "hostname", "nexthop" or a name; empty: no SNI
    std::string digest;
    std::string anchors_pem;
    int depth = 9;
    bool wildcards_span_labels = true;
    bool reuse = true;      ///< connections may serve more than one message
    bool from_map = false;  ///< an administrator's word about this next hop
    /// What the name service has signed for the server (dane.h).
    std::vector<TlsClientWish::Tlsa> tlsa;
    std::vector<std::string> tlsa_names;
    bool half_dane = false;    ///< the MX record itself was not signed: the server is not proved
    bool mta_sts = false;      ///< RFC 8461: the authorities are those of the Web
    bool sts_testing = false;  ///< what MTA-STS would ask for is looked at, not asked for
    bool sts_misfit = false;   ///< the policy does not name this host
    std::string sts_text;      ///< that policy
    std::string sts_failure;   ///< why there is none; empty: the domain has none

    /// From the parameters.
    static Result<TlsPolicy> from_settings(const TlsGround& ground);
    /// From a line of the policy maps: "secure match=example.com:.example.com protocols=…".
    static Result<TlsPolicy> parse(std::string_view line, const TlsGround& ground);

    bool demands_tls() const { return level != TlsLevel::none && level != TlsLevel::may; }
    /// The server proves who it is, or gets nothing.
    bool authenticates() const { return level >= TlsLevel::fingerprint; }
    /// The same with another level and its defaults of versions and ciphers.
    Result<TlsPolicy> at_level(TlsLevel other, const TlsGround& ground) const;

    /// What the handshake with one server of the next hop must prove.
    TlsClientWish wish(const Target& target, std::string_view nexthop_host) const;
};

/// "mx.example.com" for the table of policies: only the domain of a recipient has parents there.
bool has_parents(std::string_view nexthop);

}  // namespace facteur::smtp_client
