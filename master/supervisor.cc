#include "master/supervisor.h"

#include <string_view>
#include <utility>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"

namespace facteur::master {
namespace {

using Type = conf::ServiceLine::Type;
constexpr int kLastStep = 3;
constexpr Milliseconds kStatusLimit(1000);

/// The key of the service that a line's socket belongs to: its own, or the joined one's.
Result<std::string> owner_of(const conf::MasterCf& master_cf, const conf::ServiceLine& line) {
    std::string name = joined(line);
    if (name.empty()) return line.key();
    for (Type type : {Type::unix, Type::inet}) {
        const conf::ServiceLine* found = master_cf.find(name, type);
        if (found && joined(*found).empty()) return found->key();
    }
    return permanent("master.cf, line " + std::to_string(line.line) + ": service \"" + line.name +
                     "\" joins \"" + name + "\", which is no service of its own");
}

}  // namespace

std::string joined(const conf::ServiceLine& line) {
    if (line.command != "join" || line.arguments.size() != 1) return std::string();
    return line.arguments[0];
}

int stop_order(const conf::ServiceLine& line) {
    // No new mail and no new questions first; the queue manager writes down what the agents told
    // it; the lookups serve all of them until the end.
    static constexpr std::pair<std::string_view, int> kLate[] = {
        {"qmgr", 2}, {"addressd", 3}, {"authd", 3}, {"policyd", 3}};
    for (const auto& [command, step] : kLate)
        if (line.command.ends_with(command)) return step;
    return line.type == Type::inet ? 0 : 1;
}

Result<Supervisor::Assignments> Supervisor::assign(const Generation& generation,
                                                   Sockets& opened) const {
    Assignments assignments;
    for (const conf::ServiceLine& line : generation.master_cf.services) {
        TRY(auto key, owner_of(generation.master_cf, line));
        TRY(auto names, identities(line, generation.settings));
        for (const std::string& identity : names) {
            auto old = sockets_.find(identity);
            int fd = old == sockets_.end() ? -1 : old->second.get();
            if (fd < 0) {
                TRY(auto fresh, open_socket(identity, generation.settings));
                fd = fresh.get();
                opened.insert_or_assign(identity, std::move(fresh));
            } else {
                opened.try_emplace(identity);
            }
            assignments[key].push_back(Assigned{line.key(), fd});
        }
    }
    return assignments;
}

Result<void> Supervisor::apply(std::shared_ptr<const Generation> generation) {
    Sockets now;  // an empty descriptor: the one we have
    TRY(auto assignments, assign(*generation, now));
    for (auto& [identity, fd] : now)
        if (!fd) fd = std::move(sockets_[identity]);
    for (const auto& [identity, fd] : sockets_)
        if (!now.contains(identity)) remove_socket(identity);
    sockets_ = std::move(now);
    generation_ = std::move(generation);
    for (auto& [key, service] : services_)
        if (!assignments.contains(key)) service->retire();
    for (const conf::ServiceLine& line : generation_->master_cf.services) {
        if (!joined(line).empty()) continue;
        auto& service = services_[line.key()];
        if (!service) service = std::make_unique<Service>(scope_, slots_, lock_);
        service->configure(generation_, line, assignments[line.key()]);
    }
    return {};
}

Task<std::string> Supervisor::wait_until_up(Milliseconds limit) {
    TimePoint until = Loop::current().now() + limit;
    std::string missing;
    for (auto& [key, service] : services_) {
        try {
            while (!service->is_up() && !service->is_retired())
                co_await service->changed().wait(scope_, until);
        } catch (const TimedOut&) {
            missing += (missing.empty() ? "" : ", ") + service->line().name;
        }
    }
    co_return missing;
}

Task<std::string> Supervisor::status() {
    TimePoint until = Loop::current().now() + kStatusLimit;
    for (auto& [key, service] : services_)
        service->ask_status();
    std::string text;
    for (auto& [key, service] : services_) {
        try {
            while (!service->has_answered())
                co_await service->changed().wait(scope_, until);
        } catch (const TimedOut&) {
        }
        if (!service->is_retired() || !service->empty()) text += service->status();
    }
    co_return text;
}

Task<void> Supervisor::stop() {
    for (int step = 0; step <= kLastStep; ++step)
        co_await stop_step(step);
}

Task<void> Supervisor::stop_step(int step) {
    Scope together(scope_);
    Milliseconds limit = generation_->settings.stop_limit();
    for (auto& [key, service] : services_)
        if (stop_order(service->line()) == step) together.spawn(service->stop(limit));
    co_await together.join();
}

}  // namespace facteur::master
