#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/net/dns/resolver.h"

namespace facteur::dns {

/// c-ares on our loop: sends a question, calls back with the raw reply.
class AresChannel {
public:
    static Result<std::unique_ptr<AresChannel>> create(const Options& options);
    ~AresChannel();
    AresChannel(const AresChannel&) = delete;
    AresChannel& operator=(const AresChannel&) = delete;

    /// An empty reply: no server answered, or none could.  False: the name cannot be asked for.
    /// The call may come before ask() returns.
    using Done = std::function<void(std::string_view reply)>;
    bool ask(const std::string& name, Type type, Done done);

private:
    struct State;
    explicit AresChannel(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace facteur::dns
