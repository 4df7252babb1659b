#include "smtp-client/nexthop.h"

#include "lib/base/text.h"

namespace facteur::smtp_client {
std::optional<std::uint16_t> port_number(std::string_view text) {
    if (text == "smtp") return 25;
    if (text == "lmtp") return 24;
    if (text == "submission") return 587;
    if (text == "submissions" || text == "smtps") return 465;
    auto number = parse_number(text);
    if (!number || *number == 0 || *number > 65535) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

Result<Nexthop> Nexthop::parse(std::string_view text, Protocol protocol,
                               std::uint16_t default_port) {
    Nexthop result;
    std::string_view rest = text;
    if (rest.starts_with("unix:")) {
        result.socket_path = rest.substr(5);
        result.use_mx = false;
        if (!result.socket_path.empty()) return result;
    }
    if (rest.starts_with("inet:")) rest.remove_prefix(5);
    result.port = default_port;
    result.use_mx = protocol == Protocol::smtp;
    std::string_view port;
    if (rest.starts_with('[')) {
        auto close = rest.find(']');
        if (close == std::string_view::npos)
            return temporary("bad next hop " + printable(text), "4.3.5");
        result.host = rest.substr(1, close - 1);
        result.use_mx = false;
        port = rest.substr(close + 1);
        if (!port.empty() && !port.starts_with(':')) {
            return temporary("bad next hop " + printable(text), "4.3.5");
        }
    } else {
        auto colon = rest.rfind(':');
        result.host = rest.substr(0, colon);
        if (colon != std::string_view::npos) port = rest.substr(colon);
    }
    if (istarts_with(result.host, "ipv6:")) result.host.erase(0, 5);
    if (!port.empty()) {
        auto number = port_number(port.substr(1));
        // A mistake in the configuration must not return mail to its senders.
        if (!number) return temporary("bad port in next hop " + printable(text), "4.3.5");
        result.port = *number;
        result.service = port.substr(1);
    }
    if (result.host.empty()) return temporary("bad next hop " + printable(text), "4.3.5");
    return result;
}

}  // namespace facteur::smtp_client
