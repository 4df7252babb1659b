#include "lib/base/log.h"

#include <cstdlib>
#include <ctime>

#include <syslog.h>
#include <unistd.h>

#include "lib/base/log_as.h"
#include "lib/base/text.h"
#include "lib/base/time.h"

namespace facteur {
namespace {

struct Sink {
    enum class Kind { standard_error, file, syslog } kind = Kind::standard_error;
    Fd file;
    std::string host;
    std::string tag = "facteur";
    std::string origin;  ///< " host tag[pid]: ", made once
    bool debug = false;
};

Sink& sink() {
    static Sink the_sink;
    return the_sink;
}

std::string_view mark(LogLevel level) {
    switch (level) {
        case LogLevel::warning:
            return "warning: ";
        case LogLevel::error:
            return "error: ";
        case LogLevel::fatal:
            return "fatal: ";
        default:
            return "";
    }
}

int priority(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return LOG_DEBUG;
        case LogLevel::info:
            return LOG_INFO;
        case LogLevel::warning:
            return LOG_WARNING;
        case LogLevel::error:
            return LOG_ERR;
        default:
            return LOG_CRIT;
    }
}

void refresh_origin() {
    Sink& s = sink();
    s.origin = " " + s.host + (s.host.empty() ? "" : " ") + s.tag + "[" +
               std::to_string(::getpid()) + "]: ";
}

/// The clock's second changes rarely beside the lines of a busy server.
const std::string& current_date() {
    static thread_local std::time_t last = 0;
    static thread_local std::string text;
    std::time_t now = std::time(nullptr);
    if (now != last) {
        last = now;
        text = log_date(std::chrono::system_clock::from_time_t(now));
    }
    return text;
}

}  // namespace

void Log::to_file(Fd fd, std::string host) {
    sink().kind = Sink::Kind::file;
    sink().file = std::move(fd);
    sink().host = std::move(host);
    refresh_origin();
}

void Log::to_syslog() {
    sink().kind = Sink::Kind::syslog;
    ::openlog(sink().tag.c_str(), LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void Log::to_stderr() {
    sink().kind = Sink::Kind::standard_error;
}

void Log::set_tag(std::string tag) {
    sink().tag = std::move(tag);
    refresh_origin();
    if (sink().kind == Sink::Kind::syslog) to_syslog();  // syslog keeps the pointer, not the text
}

void Log::set_debug(bool on) {
    sink().debug = on;
}
bool Log::debug_on() {
    return sink().debug;
}

void log_as(std::string_view program, std::string_view text) {
    const std::string tag = sink().tag;
    Log::set_tag(tag.substr(0, tag.rfind('/') + 1).append(program));
    Log::write(LogLevel::info, text);
    Log::set_tag(tag);
}

void Log::write(LogLevel level, std::string_view text) {
    Sink& s = sink();
    std::string line(mark(level));
    line += printable(text, 4096);
    if (s.kind == Sink::Kind::syslog) {
        ::syslog(priority(level), "%s", line.c_str());
        return;
    }
    if (s.origin.empty()) refresh_origin();
    line = current_date() + s.origin + line + "\n";
    int fd = s.kind == Sink::Kind::file ? s.file.get() : STDERR_FILENO;
    // One write(2) a line to an O_APPEND file keeps lines of several processes whole.
    [[maybe_unused]] ssize_t written = ::write(fd, line.data(), line.size());
}

void log_fatal(std::string_view text) {
    Log::write(LogLevel::fatal, text);
    std::exit(1);
}

int log_descriptor() {
    return sink().kind == Sink::Kind::file ? sink().file.get() : -1;
}

}  // namespace facteur
