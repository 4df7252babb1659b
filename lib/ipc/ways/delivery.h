#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/codec.h"

/// The way between qmgr and the delivery agents (services smtp, relay, virtual, local, …): plain
/// frames over one ipc::Channel that qmgr opens to private/TRANSPORT; no questions and answers.
///
///     agent -> qmgr   AgentHello   first: what of earlier times qmgr has not acknowledged
///     qmgr  -> agent  Job          descriptor 0: the content
///     agent -> qmgr   JobReport    results, as they come; again with the final one
///     qmgr  -> agent  JobSettled   recorded: the agent may forget it
///     agent -> qmgr   JobsFlushed  what was `written` is on disk now (local delivery)
///                     or JobReport the flush failed: what was `written` is `deferred` after all
///     agent -> qmgr   AgentDraining  no more jobs, please: my successor listens
namespace facteur::ipc {

struct JobRecipient {
    std::uint32_t index = 0;  ///< in the message; names the recipient in results
    std::string address;
    std::string original;
    std::string orcpt;
    std::uint8_t notify = 0;

    static constexpr auto fields() {
        using M = JobRecipient;
        return std::tuple{Field{"index", &M::index}, Field{"address", &M::address},
                          Field{"original", &M::original, true}, Field{"orcpt", &M::orcpt, true},
                          Field{"notify", &M::notify, true}};
    }
};

/// Deliver this message to these recipients.
struct Job {
    std::uint64_t job = 0;  ///< of this qmgr process
    std::string queue_id;
    std::string sender;
    std::string nexthop;
    std::vector<JobRecipient> recipients;
    std::uint64_t offset = 0;  ///< of the content in descriptor 0
    std::uint64_t size = 0;
    std::uint8_t body = 0;
    bool smtputf8 = false;
    std::uint8_t ret = 0;
    std::string envid;
    std::int64_t arrival = 0;       ///< microseconds since the epoch: for delay=
    std::int64_t active_since = 0;  ///< when qmgr took it up, for delays=
    std::string login;              ///< of the submitter
    std::string client_name;
    std::string client_address;
    std::string helo;
    std::string protocol;         ///< "ESMTPS", or "local"
    std::int8_t priority = 0;     ///< RFC 6710: -9 to 9
    std::uint8_t by_mode = 0;     ///< spool::ByMode
    bool by_trace = false;        ///< RFC 2852 section 4
    std::int64_t deliver_by = 0;  ///< seconds since the epoch, with by_mode
    bool requiretls = false;      ///< RFC 8689 section 2
    bool tls_optional = false;    ///< RFC 8689 section 3: TLS-Required: No
    /// Nothing is to be delivered (there is no descriptor): how far would it come?  An agent for
    /// other hosts goes to RCPT and leaves, one for mailboxes says whether they exist.
    bool verify = false;

    static constexpr std::string_view kName = "job";
    static constexpr auto fields() {
        using M = Job;
        return std::tuple{Field{"job", &M::job},
                          Field{"queue_id", &M::queue_id},
                          Field{"sender", &M::sender},
                          Field{"nexthop", &M::nexthop},
                          Field{"recipients", &M::recipients},
                          Field{"offset", &M::offset},
                          Field{"size", &M::size},
                          Field{"body", &M::body, true},
                          Field{"smtputf8", &M::smtputf8, true},
                          Field{"ret", &M::ret, true},
                          Field{"envid", &M::envid, true},
                          Field{"arrival", &M::arrival, true},
                          Field{"active_since", &M::active_since, true},
                          Field{"login", &M::login, true},
                          Field{"client_name", &M::client_name, true},
                          Field{"client_address", &M::client_address, true},
                          Field{"helo", &M::helo, true},
                          Field{"protocol", &M::protocol, true},
                          Field{"priority", &M::priority, true},
                          Field{"by_mode", &M::by_mode, true},
                          Field{"by_trace", &M::by_trace, true},
                          Field{"deliver_by", &M::deliver_by, true},
                          Field{"requiretls", &M::requiretls, true},
                          Field{"tls_optional", &M::tls_optional, true},
                          Field{"verify", &M::verify, true}};
    }
};

enum class Outcome : std::uint8_t {
    delivered,
    written,  ///< in the mailbox, not flushed: JobsFlushed follows
    deferred,
    failed,
    expanded,  ///< became other messages (alias, .forward): done here, not "delivered" to anybody
};

struct RecipientResult {
    std::uint32_t index = 0;
    Outcome outcome = Outcome::deferred;
    std::string status;          ///< "2.0.0"
    std::string text;            ///< for log, history and bounce: the peer's own words
    std::string remote_mta;      ///< "dns; mx.example.com", RFC 3464 section 2.3.5; may be empty
    std::string diagnostic;      ///< "smtp; 550 5.1.1 …", RFC 3464 section 2.3.6; may be empty
    std::string relay;           ///< as in the log: "mx.example.com[192.0.2.1]:25"
    bool dsn_passed_on = false;  ///< the next hop took the DSN parameters (RFC 3461 section 5.2.2)
    bool handed_on = false;      ///< to a system that did not: it may report failure, not success
    bool by_passed_on = false;   ///< the next hop took the time to deliver by (RFC 2852)

    static constexpr auto fields() {
        using M = RecipientResult;
        return std::tuple{Field{"index", &M::index},
                          Field{"outcome", &M::outcome},
                          Field{"status", &M::status},
                          Field{"text", &M::text},
                          Field{"remote_mta", &M::remote_mta, true},
                          Field{"diagnostic", &M::diagnostic, true},
                          Field{"relay", &M::relay, true},
                          Field{"dsn_passed_on", &M::dsn_passed_on, true},
                          Field{"handed_on", &M::handed_on, true},
                          Field{"by_passed_on", &M::by_passed_on, true}};
    }
};

/// What became of recipients of a job.  Named by queue id too: it may reach qmgr's successor.
struct JobReport {
    std::uint64_t job = 0;
    std::string queue_id;
    std::vector<RecipientResult> results;
    /// No further report of this job follows, but one that takes back what was `written`.
    bool complete = false;
    bool nexthop_failed = false;  ///< the destination as a whole did not answer: slow down

    static constexpr std::string_view kName = "job-report";
    static constexpr auto fields() {
        using M = JobReport;
        return std::tuple{Field{"job", &M::job}, Field{"queue_id", &M::queue_id},
                          Field{"results", &M::results}, Field{"complete", &M::complete},
                          Field{"nexthop_failed", &M::nexthop_failed, true}};
    }
};

/// A job that an agent has not finished, as it tells qmgr's successor.
struct RunningJob {
    std::uint64_t job = 0;
    std::string queue_id;
    std::vector<std::uint32_t> recipients;

    static constexpr auto fields() {
        using M = RunningJob;
        return std::tuple{Field{"job", &M::job}, Field{"queue_id", &M::queue_id},
                          Field{"recipients", &M::recipients}};
    }
};
/// The agent's first words on every new connection.
struct AgentHello {
    std::uint32_t job_limit = 0;       ///< jobs it will work on at once
    std::vector<JobReport> unsettled;  ///< results that no qmgr has acknowledged
    std::vector<RunningJob> running;

    static constexpr std::string_view kName = "agent-hello";
    static constexpr auto fields() {
        using M = AgentHello;
        return std::tuple{Field{"job_limit", &M::job_limit}, Field{"unsettled", &M::unsettled},
                          Field{"running", &M::running}};
    }
};

/// qmgr has recorded these reports (their jobs, complete).
struct JobSettled {
    std::vector<std::uint64_t> jobs;

    static constexpr std::string_view kName = "job-settled";
    static constexpr auto fields() {
        using M = JobSettled;
        return std::tuple{Field{"jobs", &M::jobs}};
    }
};

/// All that these messages' reports called `written` is on disk.
struct JobsFlushed {
    std::vector<std::uint64_t> jobs;
    std::vector<std::string> queue_ids;  ///< of the same jobs, in the same order

    static constexpr std::string_view kName = "jobs-flushed";
    static constexpr auto fields() {
        using M = JobsFlushed;
        return std::tuple{Field{"jobs", &M::jobs}, Field{"queue_ids", &M::queue_ids}};
    }
};

/// The agent finishes what it has and ends; its successor listens on the same socket.
struct AgentDraining {
    static constexpr std::string_view kName = "agent-draining";
    static constexpr auto fields() { return std::tuple{}; }
};

}  // namespace facteur::ipc
