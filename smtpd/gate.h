#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"
#include "lib/event/scope.h"
#include "lib/smtp/reply.h"
#include "smtpd/backend.h"
#include "smtpd/client.h"
#include "smtpd/restriction.h"
#include "smtpd/settings.h"

namespace facteur::smtpd {

/// What the restrictions want done with a message besides taking it: access(5).
struct Effects {
    bool hold = false;
    bool discard = false;
    std::string filter;                ///< FILTER: the last one counts
    std::string redirect;              ///< REDIRECT: likewise
    std::vector<std::string> copies;   ///< BCC
    std::vector<std::string> headers;  ///< PREPEND

    /// What a later command adds.
    void take(Effects later);
};

/// What a decision is about, and what it leaves behind.  Lives as long as one command.
struct Facts {
    Facts(const Client& about, std::string_view in_verb) : client(about), verb(in_verb) {}

    const Client& client;
    std::string_view verb;                   ///< "RCPT", "END-OF-MESSAGE": for log lines
    std::string_view queue_id;               ///< empty: none yet
    const std::string* sender = nullptr;     ///< unquoted; nullptr: not given yet
    const std::string* recipient = nullptr;  ///< unquoted; nullptr: not given yet
    std::size_t recipients = 0;
    std::string_view instance;     ///< of the transaction, for policy servers
    std::string_view etrn;         ///< ETRN's domain
    std::string_view sasl_sender;  ///< MAIL's AUTH= (RFC 4954 section 5)
    std::uint64_t size = 0;        ///< MAIL's SIZE=, and at the end the real one
    bool premature = false;        ///< the client talked before its turn
    bool smtputf8 = false;

    Effects effects;
    std::optional<smtp::Reply> defer_if_permit;
    std::optional<smtp::Reply> defer_if_reject;
    std::optional<Result<ipc::Classification>> recipient_class;
    std::optional<Result<ipc::Classification>> sender_class;
    bool policy_failed = false;  ///< smtpd_policy_service_default_action is being done
    int depth = 0;               ///< of access tables that name restrictions that name tables
};

/// "NOQUEUE: reject: RCPT from host[ip]: 554 5.7.1 …; from=<> to=<> proto=ESMTP helo=<>".
std::string refusal_line(const Facts& facts, std::string_view what, const smtp::Reply& reply);
/// The same for what is no reply.
std::string event_line(const Facts& facts, std::string_view what, std::string_view text);

/// What one restriction says.
struct Ruling {
    enum class Kind : std::uint8_t { dunno, permit, refuse };
    Kind kind = Kind::dunno;
    smtp::Reply reply;
};

/// A restriction that was looked at, for who wants to know how a decision comes about.
struct Consulted {
    std::string_view parameter;  ///< the list that it stands in
    const Restriction& restriction;
    const Ruling& ruling;
    int depth = 0;  ///< inside restriction classes
};

/// Postfix's access restrictions (SMTPD_ACCESS_README): who may do what, decided with what
/// addressd and the DNS know.
class Gate {
public:
    Gate(Scope& scope, const Settings& settings, Backend& backend)
        : scope_(scope), settings_(settings), backend_(backend) {}

    using Watch = std::function<void(const Consulted&)>;
    /// Hears of each restriction that is consulted from now on.
    void watch(Watch watch) { watch_ = std::move(watch); }

    /// Each gives the refusal, or nothing.  The facts stay with the caller until it is there.
    Task<std::optional<smtp::Reply>> connect(Facts& facts);
    Task<std::optional<smtp::Reply>> helo(Facts& facts);
    Task<std::optional<smtp::Reply>> mail(Facts& facts);
    Task<std::optional<smtp::Reply>> recipient(Facts& facts);
    Task<std::optional<smtp::Reply>> data(Facts& facts);
    Task<std::optional<smtp::Reply>> end_of_data(Facts& facts);
    Task<std::optional<smtp::Reply>> etrn(Facts& facts);

    /// In words, why these settings would make an open relay; empty when they would not.
    static std::string open_relay(const Settings& settings);
    /// The same as an error in a line of main.cf.
    static std::vector<conf::Problem> review(const Settings& settings, const conf::MainCf& main_cf);

private:
    using Check = Task<Ruling> (Gate::*)(const Restriction&, Stage, Facts&);
    static const Check kChecks[];

    Task<Ruling> run(const Restrictions& list, Stage stage, Facts& facts);
    void note(std::string_view parameter, const Restriction& restriction, const Ruling& ruling,
              const Facts& facts) const;
    std::string_view parameter_of(const Restrictions& list) const;
    Task<std::optional<smtp::Reply>> one_list(const Restrictions& list, Stage stage, Facts& facts);
    Task<std::optional<smtp::Reply>> relaying(Facts& facts);
    Task<Ruling> unlisted(Facts& facts);

    // gate_rules.cc: what needs no question
    Task<Ruling> plain(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> trusted(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> syntax(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> client_name(const Restriction& restriction, Stage stage, Facts& facts);
    // gate_lookups.cc: what addressd or the DNS must say
    Task<Ruling> destination(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> reader(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> certified(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> certificate(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> verified(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> listed(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> helo_name(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> mail_domain(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> ownership(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> table(const Restriction& restriction, Stage stage, Facts& facts);
    // gate_servers.cc: check_*_{a,mx,ns}_access, and whether a domain takes mail
    Task<Ruling> table_of_servers(const Restriction& restriction, Stage stage, Facts& facts,
                                  std::string name);
    Task<Result<std::vector<std::string>>> servers_of(std::string domain, Servers kind);
    Task<Ruling> by_host(const Restriction& restriction, Stage stage, Facts& facts,
                         std::string host);
    Task<Ruling> by_address(const Restriction& restriction, Stage stage, Facts& facts,
                            std::string ip);
    Task<std::optional<Ruling>> by_table(const Restriction& restriction, Stage stage, Facts& facts,
                                         ipc::Access question);
    enum class MailHost { yes, none, null_mx };
    Task<Result<MailHost>> mail_host(std::string domain);
    // gate_mx_backup.cc
    Task<Ruling> mx_backup(const Restriction& restriction, Stage stage, Facts& facts);
    void log_permit(std::string_view action, Stage stage, const Facts& facts) const;
    // gate_dnsbl.cc
    Task<Ruling> dns_list(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> permit_listed(Facts& facts);
    Task<Ruling> refuse_listed(const Restriction& restriction, Facts& facts, std::string reason);
    Task<Ruling> policy_service(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> restriction_class(const Restriction& restriction, Stage stage, Facts& facts);
    Task<Ruling> pause(const Restriction& restriction, Stage stage, Facts& facts);

    Task<Ruling> action(std::string value, Stage stage, Facts& facts);
    std::optional<Ruling> verdict(std::string_view word, std::string_view text, Stage stage,
                                  Facts& facts) const;
    Task<Result<ipc::Classification>> recipient_class(Facts& facts);
    Ruling unknown_user(const ipc::Classification& destination, const Facts& facts,
                        bool is_sender) const;

    Scope& scope_;
    const Settings& settings_;
    Backend& backend_;
    Watch watch_;
};

// How refusals are worded, gate_rules.cc.
Ruling permit();
Ruling refuse(int code, std::string status, std::string text);
/// "<user@example.com>: Sender address": what the stage is about.
std::string addressed(Stage stage, const Facts& facts);
/// "<user@example.com>: Sender address rejected: why" with the words of the stage.
std::string rejected(Stage stage, const Facts& facts, std::string_view why);
/// What an action does to the message rather than to the client: HOLD, FILTER, PREPEND and the
/// like; false: it is none of these.
bool take_effect(std::string_view word, std::string_view text, Stage stage, Facts& facts);
/// What a temporary failure comes to under a *_tempfail_action: refused now, or later if nothing
/// else refuses.
Ruling tempfail(Tempfail action, Facts& facts, std::string status, std::string text);
/// Refused later if nothing else refuses; what a temporary lookup failure comes to.
Ruling defer_if_permit(Facts& facts, std::string status, std::string text);

}  // namespace facteur::smtpd
