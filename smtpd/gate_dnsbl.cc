// DNS lists of clients and domains (RFC 5782).
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/smtp/domain.h"
#include "smtpd/gate.h"
#include "smtpd/reply_template.h"

namespace facteur::smtpd {

namespace {

struct ListQuestion {
    std::string left;  ///< in front of the list's domain
    std::string what;  ///< "Client host", for the reply
    std::string name;
};

ListQuestion list_question(Rule rule, const Facts& facts) {
    const auto domain = [](const std::string* address) {
        return address ? smtp::split_internal(*address).domain : std::string();
    };
    std::string name;
    switch (rule) {
        case Rule::reject_rhsbl_client:
        case Rule::permit_rhswl_client:
            return {facts.client.name, "Client host", facts.client.name};
        case Rule::reject_rhsbl_reverse_client:
            return {facts.client.reverse_name, "Unverified Client host", facts.client.reverse_name};
        case Rule::reject_rhsbl_helo:
            return {facts.client.helo, "Helo command", facts.client.helo};
        case Rule::reject_rhsbl_sender:
            name = domain(facts.sender);
            return {name, "Sender address", facts.sender ? *facts.sender : name};
        case Rule::reject_rhsbl_recipient:
            name = domain(facts.recipient);
            return {name, "Recipient address", facts.recipient ? *facts.recipient : name};
        default:
            return {dnsbl_name(facts.client.address), "Client host", facts.client.ip};
    }
}

/// "<>" for the null address, "" where there is none yet.
std::string shown(const std::string* address) {
    if (!address) return {};
    return address->empty() ? std::string("<>") : smtp::to_external(*address);
}

/// What a template of default_rbl_reply may name.
struct Names {
    const Facts& facts;
    const ListQuestion& question;
    std::string_view domain;
    std::string_view reason;
    int code;

    std::optional<std::string> find(std::string_view name) const {
        const Client& client = facts.client;
        const auto part = [](const std::string* address, bool local) {
            const smtp::Mailbox mailbox = smtp::split_internal(address ? *address : "");
            if (local && address && address->empty()) return std::string("<>");
            return local ? mailbox.local : mailbox.domain;
        };
        if (name == "rbl_code") return std::to_string(code);
        if (name == "rbl_class") return question.what;
        if (name == "rbl_what") return question.name;
        if (name == "rbl_domain") return std::string(domain);
        if (name == "rbl_reason") return std::string(reason);
        if (name == "client") return client.text();
        if (name == "client_address") return client.ip;
        if (name == "client_name") return client.name;
        if (name == "reverse_client_name") return client.reverse_name;
        if (name == "helo_name") return client.helo;
        if (name == "sender") return shown(facts.sender);
        if (name == "sender_name") return part(facts.sender, true);
        if (name == "sender_domain") return part(facts.sender, false);
        if (name == "recipient") return shown(facts.recipient);
        if (name == "recipient_name") return part(facts.recipient, true);
        if (name == "recipient_domain") return part(facts.recipient, false);
        return std::nullopt;
    }
};

}  // namespace

Task<Ruling> Gate::dns_list(const Restriction& restriction, Stage, Facts& facts) {
    const ListQuestion question = list_question(restriction.rule, facts);
    const bool permits = restriction.rule == Rule::permit_dnswl_client ||
                         restriction.rule == Rule::permit_rhswl_client;
    if (question.left.empty() || question.left == "unknown" || question.left.front() == '[')
        co_return Ruling();
    const std::string domain(dnsbl_domain(restriction.argument));
    Result<Listing> found = co_await backend_.dns_list(question.left + '.' + domain);
    if (!found && permits && !facts.defer_if_reject) {
        // Whoever could not be looked up might have been let in.
        smtp::Reply later{450, "4.7.1", rejected(Stage::client, facts, "DNS list is unavailable")};
        facts.defer_if_reject.emplace(std::move(later));
    }
    // A list that does not answer must not stop the mail.
    if (!found) co_return Ruling();
    bool matches = false;
    for (const std::string& address : found->addresses)
        matches = matches || dnsbl_matches(restriction.argument, address);
    if (!matches) co_return Ruling();
    if (permits) co_return co_await permit_listed(facts);
    co_return co_await refuse_listed(restriction, facts, std::move(found->reason));
}

/// A list of good clients says nothing about where they may relay to.
Task<Ruling> Gate::permit_listed(Facts& facts) {
    Restriction relaying;
    relaying.rule = Rule::reject_unauth_destination;
    Ruling ruling = co_await destination(relaying, Stage::recipient, facts);
    if (ruling.kind == Ruling::Kind::refuse) co_return Ruling();
    co_return permit();
}

Task<Ruling> Gate::refuse_listed(const Restriction& restriction, Facts& facts, std::string reason) {
    const RestrictionSettings& settings = settings_.restrictions;
    const ListQuestion question = list_question(restriction.rule, facts);
    const std::string domain(dnsbl_domain(restriction.argument));
    const Names names{facts, question, domain, reason, settings.dnsbl_code()};
    std::string pattern = settings.dnsbl_reply();
    if (!settings.dnsbl_reply_maps().empty()) {
        ipc::Lookup query;
        query.tables = settings.dnsbl_reply_maps();
        query.key = domain;
        auto found = co_await backend_.lookup(std::move(query));
        if (!found) log_warning("rbl_reply_maps: " + found.error().text);
        if (found && *found) pattern = **std::move(found);
    }
    auto reply = reply_of(pattern, [&](std::string_view name) { return names.find(name); });
    if (reply) co_return refuse(reply->code, std::move(reply->status), std::move(reply->text));
    log_warning("reply for the DNS list " + domain + ": " + reply.error().text);
    co_return refuse(settings.dnsbl_code(), "5.7.1",
                     "Service unavailable; " + question.what + " [" + question.name +
                         "] blocked using " + domain);
}

}  // namespace facteur::smtpd
