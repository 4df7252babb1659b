#include "smtp-client/dane.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"

namespace facteur::smtp_client {
namespace {

using Kind = TlsaFinding::Kind;

/// The records of one name; those that were not validated are as good as none.
Task<TlsaFinding> records_at(dns::Resolver& resolver, Scope& scope, std::string host,
                             unsigned port) {
    TlsaFinding finding;
    // RFC 7672 section 2.2.3: the port that the client connects to.
    std::string name = fmt::format("_{}._tcp.{}", port, host);
    auto answer = co_await resolver.query(scope, name, dns::Type::tlsa);
    if (!answer) {
        finding.kind = answer.error().is_temporary() ? Kind::failed : Kind::none;
        co_return finding;
    }
    if (!answer->found() || !answer->authentic) co_return finding;
    finding.base = std::move(host);
    finding.kind = Kind::unusable;
    for (const dns::Record& one : answer->records) {
        auto record = smtp::parse_tlsa(one.data);
        if (!record || !record->usable()) continue;
        finding.records.push_back(*std::move(record));
        finding.kind = Kind::usable;
    }
    co_return finding;
}

/// Where DANE cannot be had: `dane` makes do with less, `dane-only` waits.
Result<TlsPolicy> without_dane(const TlsPolicy& policy, const TlsGround& ground, TlsLevel instead,
                               std::string_view why) {
    if (policy.level == TlsLevel::dane) return policy.at_level(instead, ground);
    return std::unexpected(Error{Error::Kind::temporary, "4.7.5", std::string(why)});
}

TlsLevel insecure_mx_level(const TlsGround& ground) {
    const std::string& word = ground.shared.insecure_mx_policy();
    if (word == "dane") return TlsLevel::dane;
    return word == "encrypt" ? TlsLevel::encrypt : TlsLevel::may;
}

}  // namespace

bool is_off_the_signed_path(const TlsPolicy& policy, const TlsGround& ground,
                            const Target& target) {
    // RFC 7672 section 2.2.1: who changes an MX record that is not signed chooses the server.
    return target.dnssec.mx && !target.dnssec.mx_secure &&
           (policy.level == TlsLevel::dane_only || insecure_mx_level(ground) == TlsLevel::may);
}

Task<TlsaFinding> find_tlsa(dns::Resolver& resolver, Scope& scope, Target target,
                            bool insecure_too) {
    TlsaFinding finding;
    const Target::Dnssec& path = target.dnssec;
    unsigned port = target.address.port();
    bool alias = !path.canonical.empty() && !iequals(path.canonical, target.name);
    // RFC 7672 section 2.2.2: at the end of secure aliases first, then at the name itself.
    if (alias && path.host_secure) {
        finding = co_await records_at(resolver, scope, path.canonical, port);
        if (finding.kind != Kind::none) co_return finding;
    }
    // Below unsigned addresses nothing is signed, and some servers there choke on the question;
    // the name of an alias may be in another zone.
    if (!path.host_secure && !alias && !insecure_too) co_return finding;
    co_return co_await records_at(resolver, scope, to_lower(target.name), port);
}

Result<TlsPolicy> with_dane(const TlsPolicy& policy, const TlsGround& ground, const Target& target,
                            const TlsaFinding& finding) {
    if (is_off_the_signed_path(policy, ground, target))
        return without_dane(policy, ground, TlsLevel::may, "non DNSSEC destination");
    bool insecure_mx = target.dnssec.mx && !target.dnssec.mx_secure;
    switch (finding.kind) {
        case Kind::failed:
            // RFC 7672 section 2.1.2: else an attacker had only to disturb the name service.
            return std::unexpected(Error{
                Error::Kind::temporary, "4.7.5",
                fmt::format("TLSA lookup error for {}:{}", target.name, target.address.port())});
        case Kind::none:
            return without_dane(policy, ground, TlsLevel::may, "no TLSA records found");
        case Kind::unusable:
            // RFC 7672 section 2.2: TLS then, without authentication.
            return without_dane(policy, ground, TlsLevel::encrypt, "TLSA records unusable");
        case Kind::usable:
            break;
    }
    if (insecure_mx && insecure_mx_level(ground) == TlsLevel::encrypt) {
        return without_dane(policy, ground, TlsLevel::encrypt,
                            "Verification not possible, MX RRset is insecure");
    }
    TlsPolicy secured = policy;
    secured.half_dane = insecure_mx;
    for (const smtp::Tlsa& record : finding.records)
        secured.tlsa.push_back({record.usage, record.selector, record.matching, record.data});
    // RFC 7672 section 3.2.3: the names that a certificate of DANE-TA may have.
    secured.tlsa_names = {finding.base};
    auto add = [&](const std::string& name) {
        bool known =
            name.empty() || std::ranges::find(secured.tlsa_names, name) != secured.tlsa_names.end();
        if (!known) secured.tlsa_names.push_back(name);
    };
    if (target.dnssec.mx) {
        add(target.dnssec.mx_canonical);
        add(to_lower(target.dnssec.mx_domain));
    }
    return secured;
}

}  // namespace facteur::smtp_client
