#pragma once

#include <string>

#include "addressd/classes.h"

namespace facteur::addressd {

/// Chooses transport and next hop: transport(5), relayhost and the *_transport parameters.
class Routing {
public:
    Routing(const Settings& settings, const Classes& classes, table::Tables& tables);

    /// address after all aliases; sender empty for the null sender.
    /// verify: it is only probed, and the address_verify_* parameters count.
    Task<Result<ipc::Destination>> route(std::string address, std::string sender,
                                         bool verify = false) const;
    /// Why mail for a recipient is returned whatever else the tables say: it has moved, or its
    /// transport is error.  Empty: it is not.
    Task<Result<std::string>> refusal(std::string address) const;

private:
    struct Way {
        std::string transport;
        std::string nexthop;
    };
    /// What the parameters say for mail, or for probes.
    struct Plan {
        std::string local, virtual_, relay, default_, relayhost;
        table::Maps transports, sender_relayhosts, sender_transports;
    };
    Task<Result<Way>> by_class(const Plan& plan, Place place, std::string sender) const;
    Task<Result<Way>> to_elsewhere(const Plan& plan, std::string transport, std::string domain,
                                   std::string sender) const;
    Task<Result<std::string>> by_sender(const table::Maps& maps, std::string sender) const;
    Task<Result<std::string>> moved_to(std::string address) const;
    /// What a table or parameter "transport:nexthop" makes of a way.
    static void apply(Way& way, std::string_view entry, std::string_view domain);

    const Settings& settings_;
    const Classes& classes_;
    bool parents_match_;
    Plan mail_;
    Plan probe_;
    table::Maps relocated_;
};

}  // namespace facteur::addressd
