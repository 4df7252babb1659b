#include "smtpd/restriction.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/smtp/domain.h"
#include "smtpd/policy_service.h"
#include "smtpd/settings.h"

namespace facteur::smtpd {

namespace {

enum class Argument : std::uint8_t { none, table, dns_list, number, policy_server };

struct Name {
    std::string_view name;
    Rule rule;
    Argument argument = Argument::none;
    Servers servers = Servers::none;
};

/// A name of Postfix's that is refused, and what to do.
struct Refused {
    std::string_view name;
    std::string_view way_out;
};

constexpr Refused kRefused[] = {
    {"permit_naked_ip_address", "Postfix removed it: use permit_mynetworks"},
    {"check_relay_domains", "Postfix removed it: use reject_unauth_destination"},
    {"reject_maps_rbl", "it is obsolete: use reject_rbl_client with each domain"},
};

/// The language: every name that a list may hold, the older spellings too.
constexpr Name kNames[] = {
    {"permit", Rule::permit},
    {"reject", Rule::reject},
    {"defer", Rule::defer},
    {"defer_if_permit", Rule::defer_if_permit},
    {"defer_if_reject", Rule::defer_if_reject},
    {"permit_mynetworks", Rule::permit_mynetworks},
    {"permit_inet_interfaces", Rule::permit_inet_interfaces},
    {"permit_sasl_authenticated", Rule::permit_sasl_authenticated},
    {"permit_mx_backup", Rule::permit_mx_backup},
    {"check_etrn_access", Rule::check_etrn_access, Argument::table},
    {"permit_pop_before_smtp", Rule::permit_pop_before_smtp},
    {"permit_tls_clientcerts", Rule::permit_tls_clientcerts},
    {"permit_tls_all_clientcerts", Rule::permit_tls_all_clientcerts},
    {"permit_auth_destination", Rule::permit_auth_destination},
    {"reject_unauth_destination", Rule::reject_unauth_destination},
    {"defer_unauth_destination", Rule::defer_unauth_destination},
    {"reject_unauth_pipelining", Rule::reject_unauth_pipelining},
    {"reject_plaintext_session", Rule::reject_plaintext_session},
    {"reject_multi_recipient_bounce", Rule::reject_multi_recipient_bounce},
    {"reject_invalid_helo_hostname", Rule::reject_invalid_helo_hostname},
    {"reject_invalid_hostname", Rule::reject_invalid_helo_hostname},
    {"reject_non_fqdn_helo_hostname", Rule::reject_non_fqdn_helo_hostname},
    {"reject_non_fqdn_hostname", Rule::reject_non_fqdn_helo_hostname},
    {"reject_unknown_helo_hostname", Rule::reject_unknown_helo_hostname},
    {"reject_unknown_hostname", Rule::reject_unknown_helo_hostname},
    {"reject_non_fqdn_sender", Rule::reject_non_fqdn_sender},
    {"reject_non_fqdn_recipient", Rule::reject_non_fqdn_recipient},
    {"reject_unknown_sender_domain", Rule::reject_unknown_sender_domain},
    {"reject_unknown_recipient_domain", Rule::reject_unknown_recipient_domain},
    {"reject_unknown_client_hostname", Rule::reject_unknown_client_hostname},
    {"reject_unknown_client", Rule::reject_unknown_client_hostname},
    {"reject_unknown_reverse_client_hostname", Rule::reject_unknown_reverse_client_hostname},
    {"reject_unverified_sender", Rule::reject_unverified_sender},
    {"reject_unverified_recipient", Rule::reject_unverified_recipient},
    {"reject_unverified_address", Rule::reject_unverified_sender},
    {"reject_unlisted_sender", Rule::reject_unlisted_sender},
    {"reject_unlisted_recipient", Rule::reject_unlisted_recipient},
    {"check_recipient_maps", Rule::reject_unlisted_recipient},
    {"reject_sender_login_mismatch", Rule::reject_sender_login_mismatch},
    {"reject_authenticated_sender_login_mismatch",
     Rule::reject_authenticated_sender_login_mismatch},
    {"reject_known_sender_login_mismatch", Rule::reject_known_sender_login_mismatch},
    {"reject_unauthenticated_sender_login_mismatch",
     Rule::reject_unauthenticated_sender_login_mismatch},
    {"check_client_access", Rule::check_client_access, Argument::table},
    {"check_reverse_client_hostname_access", Rule::check_reverse_client_hostname_access,
     Argument::table},
    {"check_helo_access", Rule::check_helo_access, Argument::table},
    {"check_sender_access", Rule::check_sender_access, Argument::table},
    {"check_recipient_access", Rule::check_recipient_access, Argument::table},
    {"check_sasl_access", Rule::check_sasl_access, Argument::table},
    {"check_ccert_access", Rule::check_ccert_access, Argument::table},
    {"check_client_a_access", Rule::check_client_access, Argument::table, Servers::a},
    {"check_client_mx_access", Rule::check_client_access, Argument::table, Servers::mx},
    {"check_client_ns_access", Rule::check_client_access, Argument::table, Servers::ns},
    {"check_reverse_client_hostname_a_access", Rule::check_reverse_client_hostname_access,
     Argument::table, Servers::a},
    {"check_reverse_client_hostname_mx_access", Rule::check_reverse_client_hostname_access,
     Argument::table, Servers::mx},
    {"check_reverse_client_hostname_ns_access", Rule::check_reverse_client_hostname_access,
     Argument::table, Servers::ns},
    {"check_helo_a_access", Rule::check_helo_access, Argument::table, Servers::a},
    {"check_helo_mx_access", Rule::check_helo_access, Argument::table, Servers::mx},
    {"check_helo_ns_access", Rule::check_helo_access, Argument::table, Servers::ns},
    {"check_sender_a_access", Rule::check_sender_access, Argument::table, Servers::a},
    {"check_sender_mx_access", Rule::check_sender_access, Argument::table, Servers::mx},
    {"check_sender_ns_access", Rule::check_sender_access, Argument::table, Servers::ns},
    {"check_recipient_a_access", Rule::check_recipient_access, Argument::table, Servers::a},
    {"check_recipient_mx_access", Rule::check_recipient_access, Argument::table, Servers::mx},
    {"check_recipient_ns_access", Rule::check_recipient_access, Argument::table, Servers::ns},
    {"reject_rbl_client", Rule::reject_rbl_client, Argument::dns_list},
    {"reject_rhsbl_client", Rule::reject_rhsbl_client, Argument::dns_list},
    {"reject_rhsbl_reverse_client", Rule::reject_rhsbl_reverse_client, Argument::dns_list},
    {"reject_rhsbl_helo", Rule::reject_rhsbl_helo, Argument::dns_list},
    {"reject_rhsbl_sender", Rule::reject_rhsbl_sender, Argument::dns_list},
    {"reject_rhsbl_recipient", Rule::reject_rhsbl_recipient, Argument::dns_list},
    {"permit_dnswl_client", Rule::permit_dnswl_client, Argument::dns_list},
    {"permit_rhswl_client", Rule::permit_rhswl_client, Argument::dns_list},
    {"sleep", Rule::sleep, Argument::number},
    {"check_policy_service", Rule::check_policy_service, Argument::policy_server},
    {"warn_if_reject", Rule::warn_if_reject},
};

/// Edit distance, to tell which name was meant.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = i;
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
        }
    }
    return row.back();
}

std::string unknown_restriction(std::string_view word) {
    for (const Refused& refused : kRefused) {
        if (iequals(refused.name, word))
            return std::string(refused.name) + ": " + std::string(refused.way_out);
    }
    const Name* nearest = kNames;
    for (const Name& name : kNames) {
        if (distance(word, name.name) < distance(word, nearest->name)) nearest = &name;
    }
    return "unknown restriction \"" + printable(word, 64) + "\" (did you mean \"" +
           std::string(nearest->name) + "\"?)";
}

Result<void> check_argument(const Name& name, std::string_view argument) {
    const auto wrong = [&](std::string_view what) {
        return permanent(std::string(name.name) + " needs " + std::string(what) + ", not \"" +
                         printable(argument, 64) + '"');
    };
    switch (name.argument) {
        case Argument::none:
            break;
        case Argument::table:
            if (argument.find(':') == std::string_view::npos) return wrong("a table, type:name");
            break;
        case Argument::dns_list:
            if (!smtp::is_domain(dnsbl_domain(argument))) return wrong("a domain");
            break;
        case Argument::policy_server: {
            TRY_VOID(PolicyService::parse(argument, PolicySettings()));
            break;
        }
        case Argument::number:
            if (parse_number(argument).value_or(3601) > 3600) return wrong("seconds, at most 3600");
            break;
    }
    return {};
}

const Name* find_name(std::string_view word) {
    for (const Name& name : kNames) {
        if (iequals(word, name.name)) return &name;
    }
    return nullptr;
}

/// "[2..11]", "[1,3,5..7]" or "2" against one number of an address.
bool octet_matches(std::string_view pattern, std::uint64_t octet) {
    if (pattern.size() > 2 && pattern.front() == '[' && pattern.back() == ']')
        pattern = pattern.substr(1, pattern.size() - 2);
    for (const std::string_view piece : words(pattern, ",;")) {
        const std::size_t dots = piece.find("..");
        const auto low = parse_number(piece.substr(0, dots));
        const auto high =
            dots == std::string_view::npos ? low : parse_number(piece.substr(dots + 2));
        if (low && high && octet >= *low && octet <= *high) return true;
    }
    return false;
}

/// One octet or bracketed set off the front of a filter.
std::string_view take_octet(std::string_view& pattern) {
    std::size_t end = pattern.front() == '[' ? pattern.find(']') : pattern.find('.');
    if (end != std::string_view::npos && pattern.front() == '[') ++end;
    const std::string_view octet = pattern.substr(0, end);
    pattern.remove_prefix(octet.size());
    if (!pattern.empty() && pattern.front() == '.') pattern.remove_prefix(1);
    return octet;
}

}  // namespace

std::string_view name_of(Rule rule) {
    for (const Name& name : kNames)
        if (name.rule == rule) return name.name;
    return {};
}

Rule access_rule(Stage stage) {
    switch (stage) {
        case Stage::client:
            return Rule::check_client_access;
        case Stage::helo:
            return Rule::check_helo_access;
        case Stage::sender:
            return Rule::check_sender_access;
        case Stage::etrn:
            return Rule::check_etrn_access;
        default:
            return Rule::check_recipient_access;
    }
}

Result<Restrictions> parse_restrictions(const std::vector<std::string>& list,
                                        const std::vector<std::string>& classes) {
    Restrictions restrictions;
    bool warn = false;
    for (std::size_t i = 0; i < list.size(); ++i) {
        Restriction restriction;
        restriction.warn = std::exchange(warn, false);
        const Name* name = find_name(list[i]);
        const bool is_class = std::find(classes.begin(), classes.end(), list[i]) != classes.end();
        if (!name && (is_class || list[i].find(':') != std::string::npos)) {
            restriction.rule = is_class ? Rule::restriction_class : Rule::check_access;
            restriction.argument = list[i];
            restrictions.push_back(std::move(restriction));
            continue;
        }
        if (!name) return permanent(unknown_restriction(list[i]));
        if (name->rule == Rule::warn_if_reject) {
            warn = true;
            continue;
        }
        restriction.rule = name->rule;
        restriction.servers = name->servers;
        if (name->argument != Argument::none) {
            if (i + 1 < list.size()) restriction.argument = list[++i];
            TRY_VOID(check_argument(*name, restriction.argument));
        }
        restrictions.push_back(std::move(restriction));
    }
    return restrictions;
}

std::string_view dnsbl_domain(std::string_view argument) {
    return argument.substr(0, argument.find('='));
}

std::string dnsbl_name(const Address& client) {
    std::string name = client.reverse_name();
    for (const std::string_view suffix : {".in-addr.arpa", ".ip6.arpa"}) {
        const std::size_t at = name.rfind(suffix);
        if (at != std::string::npos) name.resize(at);
    }
    return name;
}

bool dnsbl_matches(std::string_view argument, std::string_view answer) {
    // RFC 5782 section 2.1: other answers come from a domain that changed hands.
    if (!answer.starts_with("127.")) return false;
    const std::size_t equals = argument.find('=');
    if (equals == std::string_view::npos) return true;
    std::string_view pattern = argument.substr(equals + 1);
    for (const std::string_view octet : split(answer, '.')) {
        if (pattern.empty()) return false;
        if (!octet_matches(take_octet(pattern), parse_number(octet).value_or(256))) return false;
    }
    return pattern.empty();
}

std::string to_text(const Restriction& restriction) {
    std::string text = restriction.warn ? "warn_if_reject " : "";
    const bool bare =
        restriction.rule == Rule::check_access || restriction.rule == Rule::restriction_class;
    for (const Name& name : kNames) {
        if (bare || name.rule != restriction.rule || name.servers != restriction.servers) continue;
        text.append(name.name);
        break;
    }
    if (restriction.argument.empty()) return text;
    return text + (bare ? "" : " ") + restriction.argument;
}

}  // namespace facteur::smtpd
