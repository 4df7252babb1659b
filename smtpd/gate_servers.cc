// check_*_a_access, check_*_mx_access, check_*_ns_access: what the tables say about the hosts
// behind a name, which changes less often than the name.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/domain.h"
#include "smtpd/gate.h"

namespace facteur::smtpd {

namespace {

/// Servers of one name, and addresses of one server, that are looked at.
constexpr std::size_t kMostServers = 100;

/// "192.0.2.1" of "[192.0.2.1]" and "[IPv6:…]".
std::string ip_of_literal(std::string_view literal) {
    literal = literal.substr(1, literal.size() - 2);
    if (istarts_with(literal, "IPv6:")) literal.remove_prefix(5);
    return std::string(literal);
}

/// A stranger chooses whom his MX records name, so they can only speak against him.
Ruling never_permits(Ruling ruling, const Restriction& restriction, std::string_view name) {
    if (ruling.kind != Ruling::Kind::permit) return ruling;
    log_warning("access table " + restriction.argument + " returns OK for " + printable(name, 255) +
                ": that is not allowed for its A, MX or NS hosts; use DUNNO");
    return refuse(451, "4.3.5", "Server configuration error");
}

}  // namespace

/// The names behind a domain; one without MX records is its own (RFC 5321 section 5.1), and one
/// without NS records is served by those of its parent.
Task<Result<std::vector<std::string>>> Gate::servers_of(std::string domain, Servers kind) {
    std::vector<std::string> names;
    if (kind == Servers::a) {
        names.push_back(std::move(domain));
        co_return names;
    }
    std::string_view zone = domain;
    for (;;) {
        CO_TRY(names, co_await backend_.servers(std::string(zone), kind));
        if (!names.empty()) break;
        const std::size_t dot = zone.find('.');
        if (kind != Servers::ns || dot == std::string_view::npos) break;
        zone.remove_prefix(dot + 1);
    }
    if (names.empty() && kind == Servers::mx) names.push_back(std::move(domain));
    co_return names;
}

Task<Ruling> Gate::table_of_servers(const Restriction& restriction, Stage stage, Facts& facts,
                                    std::string name) {
    Ruling ruling;
    if (name.empty() || name == "unknown") co_return ruling;
    if (smtp::is_address_literal(name)) {
        if (restriction.servers == Servers::ns) co_return ruling;
        co_return co_await by_address(restriction, stage, facts, ip_of_literal(name));
    }
    if (!smtp::is_domain(name)) co_return ruling;
    auto names = co_await servers_of(name, restriction.servers);
    if (!names) {
        log_warning("Unable to look up hosts for " + name + ": " + names.error().text);
        co_return ruling;
    }
    if (names->size() > kMostServers) names->resize(kMostServers);
    for (const std::string& host : *names) {
        if (host.empty()) continue;  // a null MX
        ruling = co_await by_host(restriction, stage, facts, host);
        if (ruling.kind != Ruling::Kind::dunno) break;
    }
    co_return ruling;
}

Task<Ruling> Gate::by_host(const Restriction& restriction, Stage stage, Facts& facts,
                           std::string host) {
    ipc::Access question;
    question.kind = ipc::AccessKey::name;
    question.key = host;
    auto found = co_await by_table(restriction, stage, facts, std::move(question));
    if (found) co_return *std::move(found);
    auto addresses = co_await backend_.addresses(host);
    Ruling ruling;
    if (!addresses) {
        log_warning("Unable to look up addresses of " + host + ": " + addresses.error().text);
        co_return ruling;
    }
    if (addresses->size() > kMostServers) addresses->resize(kMostServers);
    for (const std::string& ip : *addresses) {
        ruling = co_await by_address(restriction, stage, facts, ip);
        if (ruling.kind != Ruling::Kind::dunno) break;
    }
    co_return ruling;
}

Task<Ruling> Gate::by_address(const Restriction& restriction, Stage stage, Facts& facts,
                              std::string ip) {
    ipc::Access question;
    question.kind = ipc::AccessKey::client;
    question.client_ip = std::move(ip);
    auto found = co_await by_table(restriction, stage, facts, std::move(question));
    co_return std::move(found).value_or(Ruling());
}

/// What the table says about one host or one address; nothing: it does not know it.
Task<std::optional<Ruling>> Gate::by_table(const Restriction& restriction, Stage stage,
                                           Facts& facts, ipc::Access question) {
    question.table = restriction.argument;
    const std::string about = question.key.empty() ? question.client_ip : question.key;
    auto found = co_await backend_.access(std::move(question));
    if (!found) co_return refuse(451, "4.3.0", '<' + about + ">: Temporary lookup failure");
    if (!*found) co_return std::nullopt;
    Ruling ruling = co_await action(**std::move(found), stage, facts);
    co_return never_permits(std::move(ruling), restriction, about);
}

/// RFC 5321 section 5.1: MX, else A or AAAA; RFC 7505 section 3: a single MX record whose exchange
/// is the root.
Task<Result<Gate::MailHost>> Gate::mail_host(std::string domain) {
    CO_TRY(auto names, co_await backend_.servers(domain, Servers::mx));
    if (names.size() == 1 && names.front().empty()) co_return MailHost::null_mx;
    if (!names.empty()) co_return MailHost::yes;
    CO_TRY(auto addresses, co_await backend_.addresses(std::move(domain)));
    const MailHost host = addresses.empty() ? MailHost::none : MailHost::yes;
    co_return host;
}

}  // namespace facteur::smtpd
