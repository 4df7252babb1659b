#pragma once

#include <string>

namespace facteur::master {

/// One sd_notify(3) datagram to $NOTIFY_SOCKET; does nothing when systemd did not start us.
void notify_systemd(const std::string& text);
/// "RELOADING=1" needs the time it began (sd_notify(3), Type=notify-reload).
std::string reloading_text();

}  // namespace facteur::master
