#include "smtpd/gate.h"

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "smtpd/dnsbl_site.h"
#include "smtpd/mechanisms.h"
#include "smtpd/tls_choice.h"

namespace facteur::smtpd {

namespace {

constexpr int kDeepest = 10;

/// Rules that keep strangers from relaying, whatever stands around them.
bool ends_relaying(const Restrictions& list) {
    for (const Restriction& restriction : list) {
        switch (restriction.rule) {
            case Rule::reject_unauth_destination:
            case Rule::defer_unauth_destination:
            case Rule::reject:
            case Rule::defer:
            case Rule::defer_if_permit:
                if (!restriction.warn) return true;
                break;
            default:
                break;
        }
    }
    return false;
}

/// A permanent refusal could be wrong: something that had to be known first could not be.
void soften(const Facts& facts, smtp::Reply& reply) {
    if (reply.is_permanent() && facts.defer_if_reject) reply = *facts.defer_if_reject;
}

}  // namespace

void Effects::take(Effects later) {
    hold |= later.hold;
    discard |= later.discard;
    if (!later.filter.empty()) filter = std::move(later.filter);
    if (!later.redirect.empty()) redirect = std::move(later.redirect);
    for (std::string& copy : later.copies)
        copies.push_back(std::move(copy));
    for (std::string& header : later.headers)
        headers.push_back(std::move(header));
}

/// In the order of Rule.
const Gate::Check Gate::kChecks[] = {
    &Gate::plain,        // permit
    &Gate::plain,        // reject
    &Gate::plain,        // defer
    &Gate::plain,        // defer_if_permit
    &Gate::plain,        // defer_if_reject
    &Gate::trusted,      // permit_mynetworks
    &Gate::trusted,      // permit_inet_interfaces
    &Gate::trusted,      // permit_sasl_authenticated
    &Gate::reader,       // permit_pop_before_smtp
    &Gate::certified,    // permit_tls_clientcerts
    &Gate::trusted,      // permit_tls_all_clientcerts
    &Gate::destination,  // permit_auth_destination
    &Gate::mx_backup,    // permit_mx_backup
    &Gate::destination,  // reject_unauth_destination
    &Gate::destination,  // defer_unauth_destination
    &Gate::plain,        // reject_unauth_pipelining
    &Gate::plain,        // reject_plaintext_session
    &Gate::plain,        // reject_multi_recipient_bounce
    &Gate::syntax,       // reject_invalid_helo_hostname
    &Gate::syntax,       // reject_non_fqdn_helo_hostname
    &Gate::helo_name,    // reject_unknown_helo_hostname
    &Gate::syntax,       // reject_non_fqdn_sender
    &Gate::syntax,       // reject_non_fqdn_recipient
    &Gate::mail_domain,  // reject_unknown_sender_domain
    &Gate::mail_domain,  // reject_unknown_recipient_domain
    &Gate::client_name,  // reject_unknown_client_hostname
    &Gate::client_name,  // reject_unknown_reverse_client_hostname
    &Gate::verified,     // reject_unverified_sender
    &Gate::verified,     // reject_unverified_recipient
    &Gate::listed,       // reject_unlisted_sender
    &Gate::listed,       // reject_unlisted_recipient
    &Gate::ownership,    // reject_sender_login_mismatch
    &Gate::ownership,    // reject_authenticated_sender_login_mismatch
    &Gate::ownership,    // reject_known_sender_login_mismatch
    &Gate::ownership,    // reject_unauthenticated_sender_login_mismatch
    &Gate::table,        // check_access
    &Gate::table,        // check_client_access
    &Gate::table,        // check_reverse_client_hostname_access
    &Gate::table,        // check_helo_access
    &Gate::table,        // check_sender_access
    &Gate::table,        // check_recipient_access
    &Gate::table,        // check_sasl_access
    &Gate::table,        // check_etrn_access
    &Gate::certificate,  // check_ccert_access
    &Gate::dns_list,     // reject_rbl_client
    &Gate::dns_list,     // reject_rhsbl_client
    &Gate::dns_list,     // reject_rhsbl_reverse_client
    &Gate::dns_list,     // reject_rhsbl_helo
    &Gate::dns_list,     // reject_rhsbl_sender
    &Gate::dns_list,     // reject_rhsbl_recipient
    &Gate::dns_list,     // permit_dnswl_client
    &Gate::dns_list,     // permit_rhswl_client
    &Gate::pause,        // sleep
    &Gate::policy_service, &Gate::restriction_class,
};

std::string refusal_line(const Facts& facts, std::string_view what, const smtp::Reply& reply) {
    return event_line(facts, what, smtp::to_line(reply));
}

std::string event_line(const Facts& facts, std::string_view what, std::string_view text) {
    std::string line(facts.queue_id.empty() ? "NOQUEUE" : facts.queue_id);
    line.append(": ").append(what).append(": ").append(facts.verb).append(" from ");
    line.append(facts.client.text()).append(": ").append(text).append(";");
    if (facts.sender) line.append(" from=<").append(smtp::to_external(*facts.sender)).append(">");
    if (facts.recipient)
        line.append(" to=<").append(smtp::to_external(*facts.recipient)).append(">");
    line.append(" proto=").append(facts.client.protocol(facts.smtputf8));
    if (!facts.client.helo.empty()) line.append(" helo=<").append(facts.client.helo).append(">");
    if (!facts.client.login.empty())
        line.append(" sasl_username=<").append(facts.client.login).append(">");
    return line;
}

void Gate::note(std::string_view parameter, const Restriction& restriction, const Ruling& ruling,
                const Facts& facts) const {
    if (watch_) watch_(Consulted{parameter, restriction, ruling, facts.depth});
}

std::string_view Gate::parameter_of(const Restrictions& list) const {
    const RestrictionSettings& lists = settings_.restrictions;
    for (const auto* each : {&lists.client, &lists.helo, &lists.sender, &lists.relay,
                             &lists.recipient, &lists.data, &lists.end_of_data})
        if (&(*each)() == &list) return each->name();
    for (const auto& [name, restrictions] : lists.class_lists)
        if (&restrictions == &list) return name;
    return "access table";
}

Task<Ruling> Gate::run(const Restrictions& list, Stage stage, Facts& facts) {
    if (facts.depth > kDeepest) co_return refuse(451, "4.3.5", "Server configuration error");
    for (const Restriction& restriction : list) {
        const Check check = kChecks[static_cast<std::size_t>(restriction.rule)];
        Ruling ruling = co_await (this->*check)(restriction, stage, facts);
        if (watch_) note(parameter_of(list), restriction, ruling, facts);
        if (ruling.kind == Ruling::Kind::dunno) continue;
        if (ruling.kind == Ruling::Kind::refuse && restriction.warn) {
            log_info(refusal_line(facts, "reject_warning", ruling.reply));
            continue;
        }
        if (ruling.kind == Ruling::Kind::permit && restriction.argument.empty())
            log_permit(name_of(restriction.rule), stage, facts);
        co_return ruling;
    }
    co_return Ruling();
}

Task<std::optional<smtp::Reply>> Gate::one_list(const Restrictions& list, Stage stage,
                                                Facts& facts) {
    Ruling ruling = co_await run(list, stage, facts);
    if (ruling.kind != Ruling::Kind::refuse) co_return std::nullopt;
    soften(facts, ruling.reply);
    co_return std::move(ruling.reply);
}

Task<std::optional<smtp::Reply>> Gate::connect(Facts& facts) {
    const RestrictionSettings& lists = settings_.restrictions;
    if (lists.delay()) co_return std::nullopt;
    co_return co_await one_list(lists.client(), Stage::client, facts);
}

Task<std::optional<smtp::Reply>> Gate::helo(Facts& facts) {
    const RestrictionSettings& lists = settings_.restrictions;
    if (lists.delay()) co_return std::nullopt;
    co_return co_await one_list(lists.helo(), Stage::helo, facts);
}

Task<std::optional<smtp::Reply>> Gate::mail(Facts& facts) {
    const RestrictionSettings& lists = settings_.restrictions;
    if (lists.delay()) co_return std::nullopt;
    co_return co_await one_list(lists.sender(), Stage::sender, facts);
}

/// A recipient that is not ours needs somebody who permits it: where the lists end without a
/// word, the answer is no.
Task<std::optional<smtp::Reply>> Gate::relaying(Facts& facts) {
    const RestrictionSettings& lists = settings_.restrictions;
    const Restrictions* order[] = {&lists.relay(), &lists.recipient()};
    if (!lists.relay_first()) std::swap(order[0], order[1]);
    bool permitted = false;
    for (const Restrictions* list : order) {
        Ruling ruling = co_await run(*list, Stage::recipient, facts);
        if (ruling.kind == Ruling::Kind::permit) permitted = true;
        if (ruling.kind != Ruling::Kind::refuse) continue;
        soften(facts, ruling.reply);
        co_return std::move(ruling.reply);
    }
    if (permitted) co_return std::nullopt;
    Restriction last;
    last.rule = Rule::reject_unauth_destination;
    Ruling ruling = co_await destination(last, Stage::recipient, facts);
    note("end of the lists", last, ruling, facts);
    if (ruling.kind != Ruling::Kind::refuse) co_return std::nullopt;
    soften(facts, ruling.reply);
    co_return std::move(ruling.reply);
}

Task<std::optional<smtp::Reply>> Gate::recipient(Facts& facts) {
    const RestrictionSettings& lists = settings_.restrictions;
    if (lists.delay()) {
        auto client = co_await one_list(lists.client(), Stage::client, facts);
        if (client) co_return client;
        auto helo = co_await one_list(lists.helo(), Stage::helo, facts);
        if (helo) co_return helo;
        auto sender = co_await one_list(lists.sender(), Stage::sender, facts);
        if (sender) co_return sender;
    }
    // RFC 5321 section 4.5.1
    if (iequals(*facts.recipient, "postmaster")) co_return std::nullopt;
    // Nobody will see it, so nothing else matters.
    if (facts.effects.discard) co_return std::nullopt;
    // DEFER_IF_REJECT of the lists before this moment is not about unlisted recipients.
    const bool earlier = facts.defer_if_reject.has_value();
    auto refused = co_await relaying(facts);
    if (refused) co_return refused;
    if (facts.effects.discard) co_return std::nullopt;
    if (facts.defer_if_permit) co_return std::move(facts.defer_if_permit);
    Ruling ruling = co_await unlisted(facts);
    if (ruling.kind == Ruling::Kind::refuse) {
        if (!earlier) soften(facts, ruling.reply);
        co_return std::move(ruling.reply);
    }
    co_return std::move(facts.defer_if_permit);
}

/// Unknown recipients are refused here rather than bounced later to an innocent sender.
Task<Ruling> Gate::unlisted(Facts& facts) {
    Restriction restriction;
    if (settings_.restrictions.unlisted_recipient() &&
        !settings_.filters.leaves_out("no_unknown_recipient_checks")) {
        restriction.rule = Rule::reject_unlisted_recipient;
        Ruling ruling = co_await listed(restriction, Stage::recipient, facts);
        note("smtpd_reject_unlisted_recipient", restriction, ruling, facts);
        if (ruling.kind == Ruling::Kind::refuse) co_return ruling;
    }
    if (settings_.restrictions.unlisted_sender()) {
        restriction.rule = Rule::reject_unlisted_sender;
        Ruling ruling = co_await listed(restriction, Stage::sender, facts);
        note("smtpd_reject_unlisted_sender", restriction, ruling, facts);
        if (ruling.kind == Ruling::Kind::refuse) co_return ruling;
    }
    co_return Ruling();
}

Task<std::optional<smtp::Reply>> Gate::data(Facts& facts) {
    auto refused = co_await one_list(settings_.restrictions.data(), Stage::data, facts);
    if (refused) co_return refused;
    co_return std::move(facts.defer_if_permit);
}

Task<std::optional<smtp::Reply>> Gate::end_of_data(Facts& facts) {
    const Restrictions& list = settings_.restrictions.end_of_data();
    auto refused = co_await one_list(list, Stage::end_of_data, facts);
    if (refused) co_return refused;
    co_return std::move(facts.defer_if_permit);
}

std::string Gate::open_relay(const Settings& settings) {
    const RestrictionSettings& lists = settings.restrictions;
    if (ends_relaying(lists.relay()) || ends_relaying(lists.recipient())) return {};
    return "in smtpd_relay_restrictions or smtpd_recipient_restrictions, specify at least one of: "
           "reject_unauth_destination, defer_unauth_destination, reject, defer, defer_if_permit; "
           "without it strangers could relay";
}

std::vector<conf::Problem> Gate::review(const Settings& settings, const conf::MainCf& main_cf) {
    std::vector<conf::Problem> problems;
    const auto complain = [&](std::string_view parameter, std::string text) {
        conf::Problem problem;
        problem.text = std::move(text);
        problem.file = main_cf.file();
        if (const conf::Setting* setting = main_cf.find(parameter)) {
            problem.file = setting->file;
            problem.line = setting->line;
        }
        problems.push_back(std::move(problem));
    };
    for (const auto& [name, text] : settings.restrictions.class_problems)
        complain(main_cf.find(name) ? name : "smtpd_restriction_classes", text);
    for (const auto* options :
         {&settings.sasl.security_options, &settings.sasl.tls_security_options}) {
        const std::string unknown = unknown_security_option((*options)());
        if (!unknown.empty())
            complain(options->name(), options->name() + ": there is no \"" + unknown + '"');
    }
    for (const auto* versions : {&settings.tls.protocols, &settings.tls.mandatory_protocols}) {
        const auto parsed = parse_tls_versions((*versions)());
        if (!parsed) complain(versions->name(), versions->name() + ": " + parsed.error().text);
    }
    const auto options = ssl_options(settings.tls.ssl_options());
    if (!options)
        complain(settings.tls.ssl_options.name(),
                 settings.tls.ssl_options.name() + ": " + options.error().text);
    const auto sites = parse_dnsbl_sites(settings.screen.dnsbl_sites());
    if (!sites)
        complain(settings.screen.dnsbl_sites.name(),
                 settings.screen.dnsbl_sites.name() + ": " + sites.error().text);
    for (const auto* upstream : {&settings.upstream, &settings.screen.upstream}) {
        if (!(*upstream)().empty() && (*upstream)() != "haproxy")
            complain(upstream->name(), upstream->name() + ": write haproxy, or nothing");
    }
    const std::string relay = open_relay(settings);
    if (!relay.empty()) complain("smtpd_relay_restrictions", relay);
    return problems;
}

}  // namespace facteur::smtpd
