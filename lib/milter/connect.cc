#include "lib/milter/connect.h"

#include "lib/base/text.h"
#include "lib/net/socket.h"

namespace facteur::milter {
namespace {

Task<Result<std::vector<Address>>> addresses(Scope& scope, dns::Resolver& resolver,
                                             std::string place, TimePoint deadline) {
    std::vector<Address> found;
    const std::size_t type = place.find(':');
    std::string_view rest = std::string_view(place).substr(type + 1);
    if (place.starts_with("unix:")) {
        found.push_back(Address::unix_path(rest));
        co_return found;
    }
    const std::size_t colon = rest.rfind(':');
    std::string host(colon == std::string_view::npos ? "localhost" : rest.substr(0, colon));
    const auto port = parse_number(rest.substr(colon == std::string_view::npos ? 0 : colon + 1));
    if (!port || *port == 0 || *port > 65535) co_return permanent("no port number in " + place);
    if (host.empty()) host = "localhost";
    const auto number = static_cast<std::uint16_t>(*port);
    if (const auto literal = Address::from_ip(host, number)) {
        found.push_back(*literal);
        co_return found;
    }
    if (iequals(host, "localhost")) {
        found.push_back(*Address::from_ip("127.0.0.1", number));
        found.push_back(*Address::from_ip("::1", number));
        co_return found;
    }
    CO_TRY(dns::Hosts hosts,
           co_await dns::addresses_of(resolver, scope, std::move(host), true, true, deadline));
    for (Address& address : hosts.addresses) {
        address.set_port(number);
        found.push_back(std::move(address));
    }
    if (found.empty()) co_return temporary("no address for " + place);
    co_return found;
}

}  // namespace

Task<Result<Fd>> connect_to_place(Scope& scope, dns::Resolver& resolver, std::string place,
                                  TimePoint deadline) {
    CO_TRY(std::vector<Address> places,
           co_await addresses(scope, resolver, std::move(place), deadline));
    Result<Fd> socket = temporary("no address");
    for (const Address& address : places) {
        socket = co_await connect_to(scope, address, deadline);
        if (socket) break;
    }
    co_return socket;
}

}  // namespace facteur::milter
