#pragma once

#include <string>
#include <string_view>

#include "lib/base/fd.h"

namespace facteur {

enum class LogLevel { debug, info, warning, error, fatal };

/// Where this process's lines go, set once by the daemon skeleton; before that: standard error.
class Log {
public:
    /// "Nov 22 12:00:00 host facteur/smtpd[123]: text" appended to fd (several processes share it).
    static void to_file(Fd fd, std::string host);
    /// syslog(3), facility mail; opens the socket at once, so that a chroot does not matter.
    static void to_syslog();
    static void to_stderr();
    /// "facteur/smtpd": syslog_name and service.
    static void set_tag(std::string tag);
    static void set_debug(bool on);
    static bool debug_on();
    /// One line; control characters in text are made harmless.
    static void write(LogLevel level, std::string_view text);
};

/// Lines in the form of Postfix and Dovecot: "QUEUEID: from=<a@b>, size=1, nrcpt=1 (queue active)".
/// Warnings, errors and fatals are marked "warning: ", "error: ", "fatal: ".
inline void log_debug(std::string_view text) {
    if (Log::debug_on()) Log::write(LogLevel::debug, text);
}
inline void log_info(std::string_view text) {
    Log::write(LogLevel::info, text);
}
inline void log_warning(std::string_view text) {
    Log::write(LogLevel::warning, text);
}
inline void log_error(std::string_view text) {
    Log::write(LogLevel::error, text);
}
/// Logs and ends the process with status 1.
[[noreturn]] void log_fatal(std::string_view text);

}  // namespace facteur
