#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/net/socks.h"
#include "lib/net/stream.h"
#include "smtp-client/reachability.h"
#include "smtp-client/targets.h"

namespace facteur::smtp_client {

/// How connections are made.
struct DialOptions {
    Milliseconds timeout{30000};
    /// How long an address has before one of the other family is tried beside it (RFC 8305 section
    /// 5); 0: until it has failed.
    Milliseconds head_start{250};
    Address bind4;
    Address bind6;
    bool bind_enforce = false;  ///< rather no connection than one from another address
    Address proxy;              ///< SOCKS 5; Family::none: there is none
    std::optional<socks::Login> proxy_login;
};

/// Connects to the first of some servers that answers.
class Dialer {
public:
    struct Dialed {
        Target target;
        std::unique_ptr<Stream> stream;
    };
    using Failed = std::function<void(const Target&, const Error&)>;

    Dialer(Scope& scope, Reachability& reachability, DialOptions options)
        : scope_(scope), reachability_(reachability), options_(std::move(options)) {}

    /// Takes what it connected to, and what failed before, out of `left`.  Only servers that are
    /// equally good are raced (RFC 5321 section 5.1 wants the better ones first), and only IPv6
    /// against IPv4.  Nothing: none of them answered.
    Task<std::optional<Dialed>> connect(std::vector<Target>& left, Failed failed);
    /// To this one only.
    Task<Result<std::unique_ptr<Stream>>> connect(Target target);

private:
    struct Race;
    struct Runner;
    Task<void> run(Race& race, Runner& runner);
    Task<std::optional<Dialed>> watch(Race& race, std::vector<Target>& left, const Failed& failed);
    bool add_rival(Race& race, const std::vector<Target>& left);
    void start(Race& race, const Target& target);
    Task<Result<Fd>> open(Scope& scope, Target target);
    Task<Result<std::unique_ptr<Stream>>> finish(Target target, Fd socket);
    bool through_proxy(const Target& target) const;

    Scope& scope_;
    Reachability& reachability_;
    DialOptions options_;
};

}  // namespace facteur::smtp_client
