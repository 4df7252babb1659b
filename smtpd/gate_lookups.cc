// The restrictions that addressd or the DNS must answer.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/sleep.h"
#include "lib/smtp/address.h"
#include "lib/smtp/domain.h"
#include "lib/smtp/status.h"
#include "smtpd/gate.h"

namespace facteur::smtpd {

namespace {

Ruling lookup_failed(const Error& error, const std::string& about) {
    log_warning("lookup of <" + smtp::to_external(about) + "> failed: " + error.text);
    return refuse(451, "4.3.0", '<' + smtp::to_external(about) + ">: Temporary lookup failure");
}

/// RFC 5321 section 3.6.1: nobody may route through us with "user%elsewhere@here".
bool is_routed(const std::string& address) {
    const std::string local = smtp::split_internal(address).local;
    return local.find_first_of("@%!") != std::string::npos;
}

bool is_ours(const ipc::Classification& destination) {
    return destination.address_class != ipc::AddressClass::other;
}

std::string domain_of(const std::string* address) {
    return address ? smtp::split_internal(*address).domain : std::string();
}

}  // namespace

Task<Result<ipc::Classification>> Gate::recipient_class(Facts& facts) {
    if (!facts.recipient_class) {
        Result<ipc::Classification> answer = co_await backend_.classify(*facts.recipient);
        facts.recipient_class.emplace(std::move(answer));
    }
    co_return *facts.recipient_class;
}

Task<Ruling> Gate::destination(const Restriction& restriction, Stage, Facts& facts) {
    if (!facts.recipient) co_return Ruling();
    Result<ipc::Classification> found = co_await recipient_class(facts);
    if (!found) co_return lookup_failed(found.error(), *facts.recipient);
    // Where a routed address ends is known only when it was unwound to one of ours.
    const bool astray = found->address_class != ipc::AddressClass::local &&
                        is_routed(*facts.recipient) && !settings_.restrictions.untrusted_routing();
    const bool ours = is_ours(*found) && !astray;
    if (restriction.rule == Rule::permit_auth_destination) {
        if (ours) co_return permit();
        co_return Ruling();
    }
    if (ours) co_return Ruling();
    const int code = restriction.rule == Rule::defer_unauth_destination
                         ? 454
                         : settings_.restrictions.relay_code();
    co_return refuse(code, "5.7.1",
                     '<' + smtp::to_external(*facts.recipient) + ">: Relay access denied");
}

Ruling Gate::unknown_user(const ipc::Classification& destination, const Facts& facts,
                          bool is_sender) const {
    const RestrictionSettings& settings = settings_.restrictions;
    int code = settings.unlisted_local_code();
    std::string_view table = "local recipient table";
    switch (destination.address_class) {
        case ipc::AddressClass::virtual_alias:
            code = settings.unlisted_virtual_alias_code();
            table = "virtual alias table";
            break;
        case ipc::AddressClass::virtual_mailbox:
            code = settings.unlisted_virtual_mailbox_code();
            table = "virtual mailbox table";
            break;
        case ipc::AddressClass::relay:
            code = settings.unlisted_relay_code();
            table = "relay recipient table";
            break;
        default:
            break;
    }
    std::string why = "User unknown";
    if (settings.show_table()) why.append(" in ").append(table);
    return refuse(code, is_sender ? "5.1.0" : "5.1.1",
                  rejected(is_sender ? Stage::sender : Stage::recipient, facts, why));
}

namespace {

/// "5.1.6 User has moved to new@example.com", as relocated_maps or transport error: have it.
Ruling refused_by_table(const ipc::Classification& found, const Facts& facts, bool is_sender) {
    std::string_view text = found.refusal;
    std::string status = is_sender ? "5.1.0" : "5.1.1";
    if (text.starts_with("5.") || text.starts_with("4.")) status = take_word(text);
    const bool later = status.starts_with('4');
    return refuse(later ? 450 : 550, std::move(status),
                  rejected(is_sender ? Stage::sender : Stage::recipient, facts, text));
}

}  // namespace

Task<Ruling> Gate::listed(const Restriction& restriction, Stage, Facts& facts) {
    const bool is_sender = restriction.rule == Rule::reject_unlisted_sender;
    const std::string* address = is_sender ? facts.sender : facts.recipient;
    if (!address || address->empty()) co_return Ruling();
    if (is_sender && !facts.sender_class) {
        Result<ipc::Classification> answer = co_await backend_.classify(*address);
        facts.sender_class.emplace(std::move(answer));
    }
    if (!is_sender) co_await recipient_class(facts);
    const Result<ipc::Classification>& found =
        is_sender ? *facts.sender_class : *facts.recipient_class;
    if (!found) co_return lookup_failed(found.error(), *address);
    if (!found->refusal.empty()) co_return refused_by_table(*found, facts, is_sender);
    if (!is_ours(*found) || found->exists) co_return Ruling();
    co_return unknown_user(*found, facts, is_sender);
}

Task<Ruling> Gate::helo_name(const Restriction&, Stage, Facts& facts) {
    const std::string& helo = facts.client.helo;
    if (helo.empty() || smtp::is_address_literal(helo)) co_return Ruling();
    const RestrictionSettings& settings = settings_.restrictions;
    Result<MailHost> found = MailHost::none;
    if (smtp::is_domain(helo)) found = co_await mail_host(helo);
    if (found && *found == MailHost::yes) co_return Ruling();
    std::string text = rejected(Stage::helo, facts, "Host not found");
    if (!found) co_return tempfail(settings.helo_tempfail(), facts, "4.7.1", std::move(text));
    co_return refuse(settings.unknown_hostname_code(), "4.7.1", std::move(text));
}

Task<Ruling> Gate::mail_domain(const Restriction& restriction, Stage, Facts& facts) {
    const bool is_sender = restriction.rule == Rule::reject_unknown_sender_domain;
    const std::string* address = is_sender ? facts.sender : facts.recipient;
    const std::string domain = domain_of(address);
    if (domain.empty() || smtp::is_address_literal(domain)) co_return Ruling();
    Result<ipc::Classification> known = co_await backend_.classify(*address);
    if (known && is_ours(*known)) co_return Ruling();
    const RestrictionSettings& settings = settings_.restrictions;
    Result<MailHost> found = co_await mail_host(domain);
    if (found && *found == MailHost::yes) co_return Ruling();
    const Stage stage = is_sender ? Stage::sender : Stage::recipient;
    if (found && *found == MailHost::null_mx) {
        // RFC 7505 section 4.2
        const std::string why = "Domain " + domain + " does not accept mail (nullMX)";
        co_return refuse(is_sender ? 550 : 556, is_sender ? "5.7.27" : "5.1.10",
                         rejected(stage, facts, why));
    }
    std::string status = is_sender ? "4.1.8" : "4.1.2";
    std::string text = rejected(stage, facts, "Domain not found");
    if (!found)
        co_return tempfail(settings.address_tempfail(), facts, std::move(status), std::move(text));
    co_return refuse(settings.unknown_address_code(), std::move(status), std::move(text));
}

Task<Ruling> Gate::ownership(const Restriction& restriction, Stage, Facts& facts) {
    if (!facts.sender || facts.sender->empty()) co_return Ruling();
    // Where nobody can log in, nobody can prove what is his.
    if (!settings_.sasl.enable()) co_return Ruling();
    const bool logged_in = !facts.client.login.empty();
    const Rule rule = restriction.rule;
    if (rule == Rule::reject_authenticated_sender_login_mismatch && !logged_in) co_return Ruling();
    if (rule == Rule::reject_unauthenticated_sender_login_mismatch && logged_in) co_return Ruling();
    Result<std::vector<std::string>> owners = co_await backend_.owners(*facts.sender);
    if (!owners) co_return lookup_failed(owners.error(), *facts.sender);
    const bool known = !owners->empty();
    if (!known && (!logged_in || rule == Rule::reject_known_sender_login_mismatch))
        co_return Ruling();
    for (const std::string& owner : *owners) {
        if (logged_in && iequals(owner, facts.client.login)) co_return Ruling();
    }
    const std::string why =
        logged_in ? "not owned by user " + facts.client.login : std::string("not logged in");
    co_return refuse(553, "5.7.1", rejected(Stage::sender, facts, why));
}

Task<Ruling> Gate::table(const Restriction& restriction, Stage of_list, Facts& facts) {
    ipc::Access question;
    question.table = restriction.argument;
    Stage stage = Stage::client;
    const Rule rule =
        restriction.rule == Rule::check_access ? access_rule(of_list) : restriction.rule;
    switch (rule) {
        case Rule::check_client_access:
        case Rule::check_reverse_client_hostname_access:
            question.kind = ipc::AccessKey::client;
            question.key =
                rule == Rule::check_client_access ? facts.client.name : facts.client.reverse_name;
            question.client_ip = facts.client.ip;
            break;
        case Rule::check_helo_access:
            stage = Stage::helo;
            question.kind = ipc::AccessKey::name;
            question.key = facts.client.helo;
            break;
        case Rule::check_etrn_access:
            stage = Stage::etrn;
            question.kind = ipc::AccessKey::name;
            question.key = facts.etrn;
            break;
        case Rule::check_sasl_access:
            question.kind = ipc::AccessKey::exact;
            question.key = facts.client.login;
            break;
        default:
            stage = rule == Rule::check_sender_access ? Stage::sender : Stage::recipient;
            const std::string* address = stage == Stage::sender ? facts.sender : facts.recipient;
            if (!address) co_return Ruling();
            question.kind = ipc::AccessKey::address;
            question.key = address->empty() ? settings_.restrictions.null_key() : *address;
            break;
    }
    if (question.key.empty()) co_return Ruling();
    if (restriction.servers != Servers::none) {
        const bool has_address =
            rule == Rule::check_sender_access || rule == Rule::check_recipient_access;
        std::string name = has_address ? domain_of(&question.key) : std::move(question.key);
        co_return co_await table_of_servers(restriction, stage, facts, std::move(name));
    }
    const std::string key = question.key;
    auto found = co_await backend_.access(std::move(question));
    if (!found) co_return lookup_failed(found.error(), key);
    if (!*found) co_return Ruling();
    std::string value = **std::move(found);
    co_return co_await action(std::move(value), stage, facts);
}

/// permit_pop_before_smtp: somebody logged in from this address to read his mail.
Task<Ruling> Gate::reader(const Restriction&, Stage, Facts& facts) {
    Result<bool> recent = co_await backend_.reads_mail(facts.client.ip);
    if (!recent) log_warning("permit_pop_before_smtp: " + recent.error().text);
    if (recent && *recent) co_return permit();
    co_return Ruling();
}

Task<Ruling> Gate::pause(const Restriction& restriction, Stage, Facts&) {
    const Milliseconds time = Seconds(parse_number(restriction.argument).value_or(0));
    co_await Sleep(scope_, time);
    co_return Ruling();
}

}  // namespace facteur::smtpd
