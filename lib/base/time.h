#pragma once

#include <chrono>
#include <string>

namespace facteur {

using Seconds = std::chrono::seconds;
using Milliseconds = std::chrono::milliseconds;
using WallTime = std::chrono::system_clock::time_point;

/// "Sun, 22 Nov 2026 12:00:00 +0100", RFC 5322 section 3.3, in local time.
std::string rfc5322_date(WallTime when);
/// "2026-11-22T12:00:00+01:00", RFC 3339, in local time.
std::string iso_date(WallTime when);
/// "Nov 22 12:00:00", as syslog writes it, in local time.
std::string log_date(WallTime when);

}  // namespace facteur
