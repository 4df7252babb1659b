#pragma once

#include <string>

#include "addressd/classes.h"

namespace facteur::addressd {

/// Chooses transport and next hop: transport(5), relayhost and the *_transport parameters.
class Routing {
public:
    Routing(const Settings& settings, const Classes& classes, table::Tables& tables);

    /// address after all aliases; sender empty for the null sender.
    Task<Result<ipc::Destination>> route(std::string address, std::string sender) const;

private:
    struct Way {
        std::string transport;
        std::string nexthop;
    };
    Task<Result<Way>> by_class(Place place, std::string sender) const;
    Task<Result<Way>> to_elsewhere(std::string transport, std::string domain,
                                   std::string sender) const;
    Task<Result<std::string>> by_sender(const table::Maps& maps, std::string sender) const;
    /// What a table or parameter "transport:nexthop" makes of a way.
    static void apply(Way& way, std::string_view entry, std::string_view domain);

    const Settings& settings_;
    const Classes& classes_;
    bool parents_match_;
    table::Maps transport_;
    table::Maps sender_relayhost_;
    table::Maps sender_transport_;
};

}  // namespace facteur::addressd
