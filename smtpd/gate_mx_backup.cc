// permit_mx_backup: we are one of the hosts that take mail for the domain.
#include <algorithm>

#include "lib/base/log.h"
#include "lib/net/address.h"
#include "lib/smtp/address.h"
#include "lib/smtp/domain.h"
#include "smtpd/gate.h"
#include "smtpd/networks.h"

namespace facteur::smtpd {

namespace {

/// MX hosts of one domain that are looked at.
constexpr std::size_t kMostExchangers = 100;

bool is_one_of(const std::vector<std::string>& ips, const std::vector<std::string>& own) {
    return std::any_of(ips.begin(), ips.end(), [&](const std::string& ip) {
        return std::find(own.begin(), own.end(), ip) != own.end();
    });
}

bool all_within(const std::vector<std::string>& ips, const std::vector<std::string>& patterns) {
    std::vector<std::string> others;
    const Networks networks(patterns, others);
    return std::all_of(ips.begin(), ips.end(), [&](const std::string& ip) {
        const auto address = Address::from_ip(ip);
        return address && networks.contains(address->bytes());
    });
}

}  // namespace

/// Our own destinations too, as postconf(5) says.  With permit_mx_backup_networks the best of the
/// MX hosts must be in one of them: else anybody could point his MX records at us.
Task<Ruling> Gate::mx_backup(const Restriction&, Stage stage, Facts& facts) {
    if (!facts.recipient) co_return Ruling();
    Restriction ours;
    ours.rule = Rule::permit_auth_destination;
    Ruling own = co_await destination(ours, stage, facts);
    if (own.kind != Ruling::Kind::dunno) co_return own;
    const std::string domain = smtp::split_internal(*facts.recipient).domain;
    if (domain.empty() || !smtp::is_domain(domain)) co_return own;
    auto exchangers = co_await backend_.servers(domain, Servers::mx);
    if (!exchangers) {
        std::string text = addressed(Stage::recipient, facts) + ": Unable to look up mail host";
        co_return tempfail(settings_.restrictions.tempfail(), facts, "4.4.4", std::move(text));
    }
    if (exchangers->size() > kMostExchangers) exchangers->resize(kMostExchangers);
    bool is_backup = false;
    bool best_is_trusted = settings_.restrictions.mx_backup_networks().empty();
    for (std::size_t i = 0; i < exchangers->size(); ++i) {
        const std::string host = (*exchangers)[i];
        if (host.empty()) co_return own;  // a null MX
        auto ips = co_await backend_.addresses(host);
        if (!ips) continue;
        is_backup = is_backup || is_one_of(*ips, settings_.own_addresses);
        if (i == 0 && !best_is_trusted)
            best_is_trusted =
                !ips->empty() && all_within(*ips, settings_.restrictions.mx_backup_networks());
    }
    if (is_backup && best_is_trusted) co_return permit();
    co_return own;
}

/// RFC 1985: whose mail somebody may ask for.
Task<std::optional<smtp::Reply>> Gate::etrn(Facts& facts) {
    const RestrictionSettings& lists = settings_.restrictions;
    if (lists.delay()) {
        auto client = co_await one_list(lists.client(), Stage::client, facts);
        if (client) co_return client;
        auto helo = co_await one_list(lists.helo(), Stage::helo, facts);
        if (helo) co_return helo;
    }
    auto refused = co_await one_list(settings_.restrictions.etrn(), Stage::etrn, facts);
    if (refused) co_return refused;
    co_return std::move(facts.defer_if_permit);
}

/// smtpd_log_access_permit_actions: "permit: RCPT from host[ip]: action=permit_mynetworks for …".
void Gate::log_permit(std::string_view action, Stage stage, const Facts& facts) const {
    for (const std::string& pattern : settings_.commands.log_permits()) {
        const bool excludes = pattern.starts_with('!');
        const std::string_view name = std::string_view(pattern).substr(excludes ? 1 : 0);
        if (name != action && !name.starts_with("static:")) continue;
        if (!excludes)
            log_info(
                event_line(facts, "permit",
                           "action=" + std::string(action) + " for " + addressed(stage, facts)));
        return;
    }
}

}  // namespace facteur::smtpd
