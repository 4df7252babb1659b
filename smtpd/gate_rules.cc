// The restrictions that can be decided from what the session knows.
#include "lib/smtp/address.h"
#include "lib/smtp/domain.h"
#include "smtpd/gate.h"

namespace facteur::smtpd {

Ruling permit() {
    Ruling ruling;
    ruling.kind = Ruling::Kind::permit;
    return ruling;
}

Ruling refuse(int code, std::string status, std::string text) {
    Ruling ruling;
    ruling.kind = Ruling::Kind::refuse;
    // RFC 3463 section 2: the class of the status is that of the reply code, which is configurable.
    if (!status.empty()) status.front() = code >= 500 ? '5' : '4';
    ruling.reply = smtp::Reply{code, std::move(status), std::move(text)};
    return ruling;
}

Ruling defer_if_permit(Facts& facts, std::string status, std::string text) {
    if (!facts.defer_if_permit) {
        facts.defer_if_permit.emplace(smtp::Reply{450, std::move(status), std::move(text)});
    }
    return Ruling();
}

Ruling tempfail(Tempfail action, Facts& facts, std::string status, std::string text) {
    if (action == Tempfail::defer) return refuse(450, std::move(status), std::move(text));
    return defer_if_permit(facts, std::move(status), std::move(text));
}

std::string addressed(Stage stage, const Facts& facts) {
    std::string name;
    std::string_view what;
    switch (stage) {
        case Stage::client:
            name = facts.client.text();
            what = "Client host";
            break;
        case Stage::helo:
            name = facts.client.helo;
            what = "Helo command";
            break;
        case Stage::sender:
            name = facts.sender ? smtp::to_external(*facts.sender) : std::string();
            what = "Sender address";
            break;
        case Stage::recipient:
            name = facts.recipient ? smtp::to_external(*facts.recipient) : std::string();
            what = "Recipient address";
            break;
        case Stage::etrn:
            name = facts.etrn;
            what = "Etrn command";
            break;
        case Stage::data:
            name = "DATA";
            what = "Data command";
            break;
        case Stage::end_of_data:
            name = "END-OF-MESSAGE";
            what = "End-of-data";
            break;
    }
    return '<' + name + ">: " + std::string(what);
}

std::string rejected(Stage stage, const Facts& facts, std::string_view why) {
    return addressed(stage, facts).append(" rejected: ").append(why);
}

Task<Ruling> Gate::plain(const Restriction& restriction, Stage stage, Facts& facts) {
    const RestrictionSettings& settings = settings_.restrictions;
    switch (restriction.rule) {
        case Rule::permit:
            co_return permit();
        case Rule::reject:
            co_return refuse(settings.reject_code(), "5.7.1",
                             rejected(stage, facts, "Access denied"));
        case Rule::defer:
            co_return refuse(settings.defer_code(), "4.3.2",
                             rejected(stage, facts, "Try again later"));
        case Rule::defer_if_permit:
            co_return defer_if_permit(facts, "4.7.0",
                                      rejected(stage, facts, "defer_if_permit requested"));
        case Rule::defer_if_reject:
            facts.defer_if_reject.emplace(
                smtp::Reply{450, "4.7.0", rejected(stage, facts, "defer_if_reject requested")});
            break;
        case Rule::reject_unauth_pipelining:
            if (facts.premature)
                co_return refuse(503, "5.5.0",
                                 rejected(stage, facts, "Improper use of SMTP command pipelining"));
            break;
        case Rule::reject_plaintext_session:
            if (!facts.client.tls)
                co_return refuse(settings.plaintext_code(), "4.7.1",
                                 rejected(stage, facts, "Session encryption is required"));
            break;
        case Rule::reject_multi_recipient_bounce:
            if (facts.sender && facts.sender->empty() && facts.recipients > 1)
                co_return refuse(settings.multi_recipient_bounce_code(), "5.5.3",
                                 rejected(stage, facts, "Multi-recipient bounce"));
            break;
        default:
            break;
    }
    co_return Ruling();
}

Task<Ruling> Gate::trusted(const Restriction& restriction, Stage, Facts& facts) {
    const Client& client = facts.client;
    const bool is_trusted =
        (restriction.rule == Rule::permit_mynetworks && client.in_mynetworks) ||
        (restriction.rule == Rule::permit_inet_interfaces && client.in_inet_interfaces) ||
        (restriction.rule == Rule::permit_sasl_authenticated && !client.login.empty()) ||
        (restriction.rule == Rule::permit_tls_all_clientcerts && client.certificate.trusted);
    if (is_trusted) co_return permit();
    co_return Ruling();
}

namespace {

/// Without the dot that some write behind a fully-qualified name.
std::string_view without_dot(std::string_view name) {
    if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
    return name;
}

bool is_helo_name(std::string_view helo) {
    if (smtp::is_address_literal(helo) || smtp::is_ipv4(helo)) return true;
    return smtp::is_domain(without_dot(helo)) && !smtp::is_numeric_name(helo);
}

bool is_fqdn_helo(std::string_view helo) {
    if (smtp::is_address_literal(helo)) return true;
    return smtp::is_fqdn(without_dot(helo)) && !smtp::is_numeric_name(helo);
}

/// "user" and "user@host" are no fully-qualified addresses; literals are.
bool is_fqdn_address(const std::string& address, bool utf8) {
    const smtp::Mailbox mailbox = smtp::split_internal(address);
    if (mailbox.domain.empty()) return false;
    return smtp::is_fqdn(mailbox.domain, utf8) || smtp::is_address_literal(mailbox.domain);
}

}  // namespace

Task<Ruling> Gate::syntax(const Restriction& restriction, Stage, Facts& facts) {
    const RestrictionSettings& settings = settings_.restrictions;
    const std::string& helo = facts.client.helo;
    const auto unqualified = [&](Stage of) {
        return refuse(settings.non_fqdn_code(), "5.5.2",
                      rejected(of, facts,
                               of == Stage::helo ? "need fully-qualified hostname"
                                                 : "need fully-qualified address"));
    };
    switch (restriction.rule) {
        case Rule::reject_invalid_helo_hostname:
            if (!helo.empty() && !is_helo_name(helo))
                co_return refuse(settings.invalid_hostname_code(), "5.5.2",
                                 rejected(Stage::helo, facts, "Invalid name"));
            break;
        case Rule::reject_non_fqdn_helo_hostname:
            if (!helo.empty() && !is_fqdn_helo(helo)) co_return unqualified(Stage::helo);
            break;
        case Rule::reject_non_fqdn_sender:
            if (facts.sender && !facts.sender->empty() &&
                !is_fqdn_address(*facts.sender, facts.smtputf8))
                co_return unqualified(Stage::sender);
            break;
        case Rule::reject_non_fqdn_recipient:
            if (facts.recipient && !is_fqdn_address(*facts.recipient, facts.smtputf8))
                co_return unqualified(Stage::recipient);
            break;
        default:
            break;
    }
    co_return Ruling();
}

Task<Ruling> Gate::client_name(const Restriction& restriction, Stage, Facts& facts) {
    const bool reverse = restriction.rule == Rule::reject_unknown_reverse_client_hostname;
    const Client& client = facts.client;
    if ((reverse ? client.reverse_name : client.name) != "unknown") co_return Ruling();
    std::string why =
        reverse ? "cannot find your reverse hostname, [" : "cannot find your hostname, [";
    why += client.ip + ']';
    std::string text = "Client host rejected: " + why;
    const bool temporary = reverse ? client.reverse_temporary : client.name_temporary;
    const int code = temporary ? 450 : settings_.restrictions.unknown_client_code();
    co_return refuse(code, "4.7.25", std::move(text));
}

}  // namespace facteur::smtpd
