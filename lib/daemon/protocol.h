#pragma once

/// What master and its workers agree on: descriptors by number, names by environment, and one
/// word a datagram on the control socket.
namespace facteur::daemon {

constexpr int kControlFd = 3;      ///< SOCK_SEQPACKET; end of file: master is gone
constexpr int kMainCfFd = 4;       ///< sealed memory file
constexpr int kLogFd = 5;          ///< log file; closed: syslog(3)
constexpr int kFirstListener = 6;  ///< in the order of the names in kSocketsVariable; then a lock

/// "inet:127.0.0.1:2525 unix:queue unix:queue-admin"
constexpr const char* kSocketsVariable = "FACTEUR_SOCKETS";
/// Where main.cf was read from.
constexpr const char* kConfigVariable = "MAIL_CONFIG";

namespace word {
// master says
constexpr const char* kDrain = "drain";    ///< accept no more, finish what is begun, end
constexpr const char* kStop = "stop";      ///< the same within seconds
constexpr const char* kStatus = "status";  ///< answer with kStatus and the numbers
constexpr const char* kWakeup = "wakeup";  ///< master.cf's wakeup time came
// the worker says
constexpr const char* kReady = "ready";  ///< start() is done, it accepts; followed by its kind:
constexpr const char* kSingle = "single";
constexpr const char* kSessions = "sessions";
}  // namespace word

}  // namespace facteur::daemon
