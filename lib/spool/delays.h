#pragma once

#include <cstdint>
#include <string>

#include "lib/ipc/ways/delivery.h"

namespace facteur::spool {

/// Microseconds since the epoch.
std::int64_t wall_clock();

/// "delay=1.2, delays=0.1/0/0.9/0.2": before qmgr, in qmgr, until the server was ready, sending.
std::string delays_text(const ipc::Job& job, std::int64_t started, std::int64_t connected);

/// Seconds with two significant digits and no more than two decimals: "0.05", "1.2", "12", "0".
std::string delay_text(std::int64_t microseconds);

}  // namespace facteur::spool
