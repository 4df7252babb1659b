#include "lib/config/postfix_services.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

namespace facteur::conf {
namespace {

using Type = ServiceLine::Type;

/// Programs of Postfix whose work another one does here.
constexpr std::pair<std::string_view, std::string_view> kDropped[] = {
    {"pickup", "qmgr"},
    {"cleanup", "smtpd and qmgr"},
    {"trivial-rewrite", "addressd"},
    {"bounce", "qmgr"},
    {"verify", "policyd and qmgr"},
    {"flush", "qmgr"},
    {"proxymap", "addressd"},
    {"showq", "qmgr"},
    {"error", "qmgr"},
    {"discard", "qmgr"},
    {"anvil", "policyd"},
    {"scache", "smtp-client"},
    {"tlsmgr", "authd"},
    {"postlogd", "each daemon"},
    {"tlsproxy", "smtpd"},
    {"dnsblog", "policyd"},
};

/// Programs of Postfix that have another name here.
constexpr std::pair<std::string_view, std::string_view> kRenamed[] = {
    {"smtp", "smtp-client"}, {"lmtp", "smtp-client"}, {"virtual", "lmtp-local"},
    {"local", "lmtp-local"}, {"nqmgr", "qmgr"},       {"oqmgr", "qmgr"},
};

/// What Postfix does not have, in the form of conf/master.cf; a name that exists is left alone.
constexpr std::string_view kServices =
    "queue       unix  -       -       -       300     1       qmgr\n"
    "queue-admin unix  n       -       -       -       -       join queue\n"
    "virtual     unix  -       n       -       -       1       lmtp-local\n"
    "address     unix  -       -       -       -       1       addressd\n"
    "policy      unix  -       -       -       -       1       policyd\n"
    "auth        unix  -       -       -       -       1       authd\n";

template <std::size_t N>
std::string_view entry(const std::pair<std::string_view, std::string_view> (&table)[N],
                       std::string_view name) {
    for (const auto& [key, value] : table)
        if (key == name) return value;
    return {};
}

/// Only Postfix has a queue manager called "qmgr", and needs a cleanup and a pickup.
bool is_of_postfix(const MasterCf& master_cf) {
    return std::any_of(master_cf.services.begin(), master_cf.services.end(),
                       [](const ServiceLine& line) {
                           return line.command == "cleanup" || line.command == "pickup" ||
                                  (line.name == "qmgr" && line.command.ends_with("qmgr"));
                       });
}

/// Unix sockets are served as conf/master.cf has it: our daemons share what Postfix's each own.
void rename(ServiceLine& line) {
    if (line.command == "local" && line.overrides.empty()) {
        line.command = "join";
        line.arguments = {"virtual"};
        return;
    }
    const std::string_view ours = entry(kRenamed, line.command);
    if (ours.empty()) return;
    // Words behind the command tell which of the programs it is.
    if (line.command == "lmtp") line.arguments.insert(line.arguments.begin(), line.command);
    line.command = ours;
    line.chroot = false;
    line.max_processes = 1;
}

void add_missing(MasterCf& master_cf, Adoption& adoption) {
    for (ServiceLine& line : parse_master_cf(kServices, "").services) {
        if (const ServiceLine* there = master_cf.find(line.name, line.type)) {
            if (there->command != line.command) adoption.clashes.push_back(there->line);
            continue;
        }
        line.line = 0;
        adoption.added.push_back(line.name);
        master_cf.services.push_back(std::move(line));
    }
}

}  // namespace

std::string_view done_by(std::string_view command) {
    return entry(kDropped, command);
}

bool holds_our_daemons(const std::string& directory) {
    return ::access((directory + "/addressd").c_str(), X_OK) == 0;
}

void adopt_postscreen(MasterCf& master_cf) {
    std::vector<ServiceLine>& services = master_cf.services;
    const auto is_pass = [](const ServiceLine& line) { return line.type == Type::pass; };
    const auto pass = std::find_if(services.begin(), services.end(), is_pass);
    bool screened = false;
    for (ServiceLine& line : services) {
        if (line.type != Type::inet || line.command != "postscreen") continue;
        screened = true;
        line.command = "smtpd";
        line.max_processes = ServiceLine::kDefaultLimit;
        if (pass != services.end()) {
            line.max_processes = pass->max_processes;
            line.overrides.insert(line.overrides.begin(), pass->overrides.begin(),
                                  pass->overrides.end());
        }
        line.overrides.emplace_back("postscreen_enable", "yes");
    }
    if (!screened && pass != services.end()) {
        Problem problem;
        problem.text =
            "service type \"pass\": there is no service postscreen that passes "
            "connections; write inet";
        problem.line = pass->line;
        master_cf.problems.push_back(std::move(problem));
    }
    std::erase_if(services, [&](const ServiceLine& line) {
        const bool helps = line.command == "dnsblog" || line.command == "tlsproxy";
        return is_pass(line) || (screened && helps);
    });
}

void adopt_pipes(MasterCf& master_cf) {
    constexpr int kMostCommands = 10000;
    for (ServiceLine& line : master_cf.services) {
        if (line.type != Type::unix || line.command != "pipe") continue;
        line.command = "lmtp-local";
        line.arguments.insert(line.arguments.begin(), "pipe");
        line.chroot = false;
        if (line.max_processes != ServiceLine::kDefaultLimit) {
            const int most = line.max_processes > 0 ? line.max_processes : kMostCommands;
            line.overrides.emplace(line.overrides.begin(), "local_process_limit",
                                   std::to_string(most));
        }
        line.max_processes = 1;
    }
}

Adoption adopt_postfix(MasterCf& master_cf) {
    Adoption adoption;
    adopt_postscreen(master_cf);
    adopt_pipes(master_cf);
    if (!is_of_postfix(master_cf)) return adoption;
    std::vector<ServiceLine> kept;
    for (ServiceLine& line : master_cf.services) {
        std::string_view done_by = entry(kDropped, line.command);
        // The queue manager has another name and two sockets here.
        if (line.name == "qmgr" && line.command.ends_with("qmgr")) done_by = "queue";
        if (line.type == Type::unix && !done_by.empty()) {
            Adoption::Dropped dropped{line.command, line.line, done_by, {}};
            for (const auto& [name, value] : line.overrides)
                dropped.lost.push_back(name);
            adoption.dropped.push_back(std::move(dropped));
            continue;
        }
        if (line.type == Type::unix) rename(line);
        kept.push_back(std::move(line));
    }
    master_cf.services = std::move(kept);
    add_missing(master_cf, adoption);
    return adoption;
}

}  // namespace facteur::conf
