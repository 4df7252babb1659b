#include "smtp-client/dialer.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/net/socket.h"

namespace facteur::smtp_client {

/// One address that is being connected to.
struct Dialer::Runner {
    explicit Runner(Target where) : target(std::move(where)) {}
    Target target;
    std::optional<Result<Fd>> socket;  ///< once it is decided
};

/// Those that run side by side.
struct Dialer::Race {
    explicit Race(Scope& parent) : scope(parent) {}
    std::list<Runner> runners;
    Signal decided;
    Scope scope;  ///< last: its tasks use the rest
};

bool Dialer::through_proxy(const Target& target) const {
    return options_.proxy.is_ip() && target.address.is_ip();
}

Task<Result<Fd>> Dialer::open(Scope& scope, Target target) {
    const TimePoint deadline = Loop::current().now() + options_.timeout;
    Address to = through_proxy(target) ? options_.proxy : target.address;
    bool six = to.family() == Address::Family::ipv6;
    Address from = six ? options_.bind6 : options_.bind4;
    Result<Fd> socket = co_await connect_to(scope, to, deadline, from);
    bool unbound = !socket && socket.error().text.starts_with("cannot bind to ");
    if (!unbound || options_.bind_enforce) co_return socket;
    log_warning(socket.error().text);
    co_return co_await connect_to(scope, to, deadline);
}

/// Through the proxy, if there is one.
Task<Result<std::unique_ptr<Stream>>> Dialer::finish(Target target, Fd socket) {
    auto stream = std::make_unique<Stream>(scope_, std::move(socket));
    if (!through_proxy(target)) co_return stream;
    Result<void> done = temporary("SOCKS: lost connection with the proxy", "4.4.1");
    try {
        stream->set_deadline(options_.timeout);
        done = co_await socks::connect_through(*stream, target.address, options_.proxy_login);
    } catch (const Cancelled&) {
        throw;
    } catch (const TimedOut&) {
        done = temporary("SOCKS: the proxy does not answer", "4.4.1");
    } catch (const Disconnect&) {
    }
    if (!done) co_return std::unexpected(done.error());
    co_return stream;
}

Task<Result<std::unique_ptr<Stream>>> Dialer::connect(Target target) {
    CO_TRY(Fd socket, co_await open(scope_, target));
    co_return co_await finish(std::move(target), std::move(socket));
}

Task<void> Dialer::run(Race& race, Runner& runner) {
    runner.socket = co_await open(race.scope, runner.target);
    race.decided.notify_all();
}

void Dialer::start(Race& race, const Target& target) {
    Runner& runner = race.runners.emplace_back(target);
    race.scope.spawn(run(race, runner));
}

/// The next address that is as good as those which run, and of the other family.
bool Dialer::add_rival(Race& race, const std::vector<Target>& left) {
    const Target& first = race.runners.front().target;
    auto runs = [&](const Target& target) {
        return std::ranges::any_of(race.runners, [&](const Runner& runner) {
            return runner.target.address == target.address;
        });
    };
    auto found = std::ranges::find_if(left, [&](const Target& target) {
        return target.preference == first.preference && target.address.is_ip() &&
               target.address.family() != first.address.family() && !runs(target);
    });
    if (found == left.end() || race.runners.size() > 1) return false;
    start(race, *found);
    return true;
}

/// Until one is connected, or none is left.
Task<std::optional<Dialer::Dialed>> Dialer::watch(Race& race, std::vector<Target>& left,
                                                  const Failed& failed) {
    const bool racing = options_.head_start.count() > 0 && !options_.proxy.is_ip();
    for (;;) {
        if (race.runners.empty()) {
            if (left.empty()) co_return std::nullopt;
            start(race, left.front());
        }
        bool patience_ended = false;
        const TimePoint rival_at = racing && race.runners.size() == 1
                                       ? Loop::current().now() + options_.head_start
                                       : kNever;
        auto is_decided = [](const Runner& runner) { return runner.socket.has_value(); };
        auto runner = std::ranges::find_if(race.runners, is_decided);
        while (runner == race.runners.end() && !patience_ended) {
            try {
                co_await race.decided.wait(scope_, rival_at);
            } catch (const TimedOut&) {
                patience_ended = true;
            }
            runner = std::ranges::find_if(race.runners, is_decided);
        }
        if (runner == race.runners.end()) {
            // With no rival to be had, the rest of the time is the first one's alone.
            if (add_rival(race, left)) continue;
            while (runner == race.runners.end()) {
                co_await race.decided.wait(scope_);
                runner = std::ranges::find_if(race.runners, is_decided);
            }
        }
        Target target = runner->target;
        Result<Fd> socket = *std::move(runner->socket);
        race.runners.erase(runner);
        std::erase_if(left, [&](const Target& one) { return one.address == target.address; });
        Result<std::unique_ptr<Stream>> stream = std::unique_ptr<Stream>();
        if (socket) {
            stream = co_await finish(target, *std::move(socket));
        } else {
            stream = std::unexpected(socket.error());
        }
        if (!stream) {
            reachability_.failed(target.address);
            failed(target, stream.error());
            continue;
        }
        reachability_.answered(target.address);
        Dialed dialed;
        dialed.target = std::move(target);
        dialed.stream = *std::move(stream);
        co_return dialed;
    }
}

Task<std::optional<Dialer::Dialed>> Dialer::connect(std::vector<Target>& left, Failed failed) {
    Race race(scope_);
    std::optional<Dialed> dialed;
    bool cancelled = false;
    try {
        dialed = co_await watch(race, left, failed);
    } catch (const Cancelled&) {
        cancelled = true;
    }
    // Those that did not win stay in `left`: they were not refused.
    race.scope.cancel();
    co_await race.scope.join();
    if (cancelled) throw Cancelled("the process ends");
    co_return dialed;
}

}  // namespace facteur::smtp_client
