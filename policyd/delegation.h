#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/ipc/rpc.h"
#include "lib/ipc/ways/policy.h"
#include "lib/net/address.h"
#include "lib/net/dns/resolver.h"
#include "lib/net/stream.h"

namespace facteur::policyd {

/// A question as it goes over the wire: a line for each attribute, then an empty one.  A control
/// character in a value would begin an attribute of its own, so none is sent.
std::string request_text(const std::vector<std::string>& attributes);

/// The lines of an answer, one after the other.
class AnswerReader {
public:
    /// True when that was the last line.  An Error: this is no answer.
    Result<bool> add(std::string_view line);
    const std::string& action() const { return action_; }

private:
    std::string action_;
    bool found_ = false;
    int lines_ = 0;
};

/// One server that decides for us, over connections that are used again.
class PolicyServer {
public:
    /// name: "inet:host:port", "inet:port" on this host, or "unix:path".
    PolicyServer(Scope& scope, dns::Resolver& resolver, std::string name, std::size_t limit);
    Task<Result<std::string>> ask(const ipc::Delegate& question);
    std::size_t idle() const { return idle_.size(); }

private:
    struct Connection {
        Connection(Scope& scope, Fd socket) : stream(scope, std::move(socket)) {}
        Stream stream;
        TimePoint end{};      ///< of max_ttl
        TimePoint expires{};  ///< while idle
        std::uint32_t questions = 0;
    };
    using Pointer = std::unique_ptr<Connection>;
    class Turn;

    Task<Result<std::string>> attempt(const ipc::Delegate& question, const std::string& wire);
    Task<Result<std::string>> exchange(Connection& connection, const ipc::Delegate& question,
                                       const std::string& wire);
    Task<Result<std::string>> read_answer(Connection& connection);
    Pointer take_idle();
    Task<Result<Pointer>> open(const ipc::Delegate& question);
    Task<Result<std::vector<Address>>> addresses(TimePoint deadline);
    void keep(Pointer connection, const ipc::Delegate& question);
    Task<void> sweep();

    Scope& scope_;
    dns::Resolver& resolver_;
    std::string name_;
    std::size_t limit_;
    std::size_t busy_ = 0;
    Signal freed_;
    std::vector<Pointer> idle_;  ///< the last used at the end
    bool sweeping_ = false;
};

/// All policy servers that the configuration names.
class Delegation {
public:
    Delegation(Scope& scope, dns::Resolver& resolver, std::vector<std::string> named,
               std::size_t connection_limit);
    Task<Result<ipc::Packet<ipc::DelegateReply>>> ask(ipc::Delegate question);

private:
    std::map<std::string, std::unique_ptr<PolicyServer>, std::less<>> servers_;
};

/// What follows check_policy_service in a value: "inet:…" or "unix:…", alone or as the first word
/// in braces.
std::vector<std::string> server_names(std::string_view value);

}  // namespace facteur::policyd
