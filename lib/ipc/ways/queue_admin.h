#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/rpc.h"

/// The way from the command-line tools to qmgr (service `queue-admin`).  Everybody may list and
/// flush; root and the owner of the queue may do the rest.
namespace facteur::ipc {

/// Where a message is.
enum class QueuePlace : std::uint8_t { active, journal, deferred, hold, maildrop };

struct QueueIdsReply {
    std::string active;  ///< ids of 16 bytes, one behind the other: there may be a million
    std::string journal;
    std::string deferred;
    std::string hold;

    static constexpr auto fields() {
        using M = QueueIdsReply;
        return std::tuple{Field{"active", &M::active}, Field{"journal", &M::journal},
                          Field{"deferred", &M::deferred}, Field{"hold", &M::hold}};
    }
};
/// All messages of the queue.
struct QueueIds {
    using Reply = QueueIdsReply;
    static constexpr std::string_view kName = "queue-ids";
    static constexpr auto fields() { return std::tuple{}; }
};

struct QueueRecipient {
    std::string address;
    std::string original;
    std::uint8_t fate = 0;  ///< spool::Fate
    std::string status;
    std::string text;

    static constexpr auto fields() {
        using M = QueueRecipient;
        return std::tuple{Field{"address", &M::address}, Field{"original", &M::original, true},
                          Field{"fate", &M::fate}, Field{"status", &M::status, true},
                          Field{"text", &M::text, true}};
    }
};
struct QueueEntry {
    std::string queue_id;
    QueuePlace place = QueuePlace::active;
    std::int64_t arrival = 0;  ///< microseconds since the epoch
    std::uint64_t size = 0;
    std::string sender;
    std::int64_t next_attempt = 0;  ///< seconds since the epoch
    std::uint32_t attempts = 0;
    std::vector<QueueRecipient> recipients;
    std::string client_name;  ///< who brought it; empty: it came from this host
    std::string client_address;
    std::string login;
    std::int8_t priority = 0;

    static constexpr auto fields() {
        using M = QueueEntry;
        return std::tuple{Field{"queue_id", &M::queue_id},
                          Field{"place", &M::place},
                          Field{"arrival", &M::arrival},
                          Field{"size", &M::size},
                          Field{"sender", &M::sender},
                          Field{"next_attempt", &M::next_attempt},
                          Field{"attempts", &M::attempts},
                          Field{"recipients", &M::recipients},
                          Field{"client_name", &M::client_name, true},
                          Field{"client_address", &M::client_address, true},
                          Field{"login", &M::login, true},
                          Field{"priority", &M::priority, true}};
    }
};
struct QueueEntriesReply {
    std::vector<QueueEntry> entries;  ///< what left the queue meanwhile is left out

    static constexpr auto fields() {
        using M = QueueEntriesReply;
        return std::tuple{Field{"entries", &M::entries}};
    }
};
/// What mailq shows of these messages.
struct QueueEntries {
    std::vector<std::string> queue_ids;

    using Reply = QueueEntriesReply;
    static constexpr std::string_view kName = "queue-entries";
    static constexpr auto fields() {
        using M = QueueEntries;
        return std::tuple{Field{"queue_ids", &M::queue_ids}};
    }
};

struct QueueShowReply {
    QueuePlace place = QueuePlace::active;
    std::string envelope;      ///< the lines of lib/spool/envelope.h
    std::string history;       ///< the lines of lib/spool/story.h
    std::uint64_t offset = 0;  ///< of the content in descriptor 0
    std::uint64_t size = 0;

    static constexpr auto fields() {
        using M = QueueShowReply;
        return std::tuple{Field{"place", &M::place}, Field{"envelope", &M::envelope},
                          Field{"history", &M::history}, Field{"offset", &M::offset},
                          Field{"size", &M::size}};
    }
};
/// All of one message.
struct QueueShow {
    std::string queue_id;

    using Reply = QueueShowReply;
    static constexpr std::string_view kName = "queue-show";
    static constexpr auto fields() {
        using M = QueueShow;
        return std::tuple{Field{"queue_id", &M::queue_id}};
    }
};

enum class QueueVerb : std::uint8_t { flush, hold, release, requeue, remove, expire, redirect };

struct QueueActReply {
    std::uint32_t done = 0;
    std::vector<std::string> missing;  ///< not in the queue, or not where the verb needs them

    static constexpr auto fields() {
        using M = QueueActReply;
        return std::tuple{Field{"done", &M::done}, Field{"missing", &M::missing}};
    }
};
/// Does something with these messages; flush without ids: with all.
struct QueueAct {
    QueueVerb verb = QueueVerb::flush;
    std::vector<std::string> queue_ids;
    std::string argument;  ///< redirect: "transport:nexthop"; empty: to where it was going

    using Reply = QueueActReply;
    static constexpr std::string_view kName = "queue-act";
    static constexpr auto fields() {
        using M = QueueAct;
        return std::tuple{Field{"verb", &M::verb}, Field{"queue_ids", &M::queue_ids},
                          Field{"argument", &M::argument, true}};
    }
};

struct QueueSuspendReply {
    std::vector<std::string> domains;  ///< that are suspended now

    static constexpr auto fields() {
        using M = QueueSuspendReply;
        return std::tuple{Field{"domains", &M::domains}};
    }
};
/// Lets nothing go to these domains or nexthops until they are resumed; without domains it tells
/// which there are.
struct QueueSuspend {
    std::vector<std::string> domains;
    bool resume = false;

    using Reply = QueueSuspendReply;
    static constexpr std::string_view kName = "queue-suspend";
    static constexpr auto fields() {
        using M = QueueSuspend;
        return std::tuple{Field{"domains", &M::domains}, Field{"resume", &M::resume, true}};
    }
};

}  // namespace facteur::ipc
