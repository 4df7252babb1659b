#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/net/address.h"

namespace facteur::smtpd {

/// What Postfix's access restriction language can say; the names are in restriction.cc.
enum class Rule : std::uint8_t {
    permit,
    reject,
    defer,
    defer_if_permit,
    defer_if_reject,
    permit_mynetworks,
    permit_inet_interfaces,
    permit_sasl_authenticated,
    permit_pop_before_smtp,
    permit_tls_clientcerts,
    permit_tls_all_clientcerts,
    permit_auth_destination,
    permit_mx_backup,
    reject_unauth_destination,
    defer_unauth_destination,
    reject_unauth_pipelining,
    reject_plaintext_session,
    reject_multi_recipient_bounce,
    reject_invalid_helo_hostname,
    reject_non_fqdn_helo_hostname,
    reject_unknown_helo_hostname,
    reject_non_fqdn_sender,
    reject_non_fqdn_recipient,
    reject_unknown_sender_domain,
    reject_unknown_recipient_domain,
    reject_unknown_client_hostname,
    reject_unknown_reverse_client_hostname,
    reject_unverified_sender,
    reject_unverified_recipient,
    reject_unlisted_sender,
    reject_unlisted_recipient,
    reject_sender_login_mismatch,
    reject_authenticated_sender_login_mismatch,
    reject_known_sender_login_mismatch,
    reject_unauthenticated_sender_login_mismatch,
    check_access,  ///< a table without a name in front: which one, the stage tells
    check_client_access,
    check_reverse_client_hostname_access,
    check_helo_access,
    check_sender_access,
    check_recipient_access,
    check_sasl_access,
    check_etrn_access,
    check_ccert_access,
    reject_rbl_client,
    reject_rhsbl_client,
    reject_rhsbl_reverse_client,
    reject_rhsbl_helo,
    reject_rhsbl_sender,
    reject_rhsbl_recipient,
    permit_dnswl_client,
    permit_rhswl_client,
    sleep,
    check_policy_service,
    restriction_class,
    warn_if_reject,  ///< never in a parsed list: it marks the restriction that follows it
};

/// Whose servers an access table is asked about instead of the name itself.
enum class Servers : std::uint8_t { none, a, mx, ns };

struct Restriction {
    Rule rule = Rule::permit;
    Servers servers = Servers::none;
    std::string
        argument;       ///< a table, a DNS list's domain, a policy server, a class's name, seconds
    bool warn = false;  ///< a refusal is logged and goes no further
    bool operator==(const Restriction&) const = default;
};
using Restrictions = std::vector<Restriction>;
/// As a list writes it: "check_sender_access hash:/etc/facteur/senders".
std::string to_text(const Restriction& restriction);

/// Which table a bare `type:table` in a list means, and how its refusals are worded.
enum class Stage : std::uint8_t { client, helo, sender, recipient, data, end_of_data, etrn };

/// A list as main.cf and access tables write it; classes: the names in smtpd_restriction_classes.
/// The Error names the word that is wrong and the nearest name that is right.
Result<Restrictions> parse_restrictions(const std::vector<std::string>& list,
                                        const std::vector<std::string>& classes = {});
/// Its name in the language.
std::string_view name_of(Rule rule);
/// What a bare `type:table` in a list of this stage means.
Rule access_rule(Stage stage);

/// The domain part "d" of "zen.example.org=127.0.0.[2..11]", and whether an answer matches the
/// filter after '='; without a filter every 127.0.0.0/8 answer does.
std::string_view dnsbl_domain(std::string_view argument);
/// What stands in front of the list's domain: "1.2.0.192" of 192.0.2.1; nibbles for IPv6 (RFC 5782
/// sections 2.1 and 2.4).
std::string dnsbl_name(const Address& client);
bool dnsbl_matches(std::string_view argument, std::string_view answer);

}  // namespace facteur::smtpd
