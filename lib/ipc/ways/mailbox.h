#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/rpc.h"

/// The ways to the mailbox stages (services `imap-mailbox`, `pop3-mailbox`).
namespace facteur::ipc {

struct OpenSessionReply {
    bool accepted = false;
    std::uint32_t pid = 0;       ///< of the process that talks to the client now, for the log
    bool is_over_limit = false;  ///< not accepted because the client has too many sessions
    std::string reason;          ///< not accepted: what the client hears

    static constexpr std::string_view kName = "open-session-reply";
    static constexpr auto fields() {
        using M = OpenSessionReply;
        return std::tuple{Field{"accepted", &M::accepted}, Field{"pid", &M::pid, true},
                          Field{"is_over_limit", &M::is_over_limit, true},
                          Field{"reason", &M::reason, true}};
    }
    bool operator==(const OpenSessionReply&) const = default;
};
/// login stage -> mailbox stage: this user has logged in; the descriptor is the client's
/// connection, or with TLS one end of a socket pair whose other end the login stage serves.  The
/// mailbox stage asks authd itself where the user's mail is: it believes nobody's paths.  Then it
/// passes the session on to the process of the mail's owner in the same form.
struct OpenSession {
    std::string user;
    std::string tag;         ///< of the command to answer (IMAP)
    std::string input;       ///< what the client had sent behind it
    std::string session_id;  ///< for the log
    std::string remote;      ///< "192.0.2.1"
    std::string local;
    bool is_secured = false;            ///< TLS, or the same host
    std::string mail;                   ///< "maildir:/home/u/Maildir"; only from the mailbox stage
    std::string home;                   ///< likewise
    std::vector<std::string> settings;  ///< likewise: store::Options::settings

    using Reply = OpenSessionReply;
    static constexpr std::string_view kName = "open-session";
    static constexpr auto fields() {
        using M = OpenSession;
        return std::tuple{Field{"user", &M::user},
                          Field{"tag", &M::tag, true},
                          Field{"input", &M::input, true},
                          Field{"session_id", &M::session_id, true},
                          Field{"remote", &M::remote, true},
                          Field{"local", &M::local, true},
                          Field{"is_secured", &M::is_secured, true},
                          Field{"mail", &M::mail, true},
                          Field{"home", &M::home, true},
                          Field{"settings", &M::settings}};
    }
    bool operator==(const OpenSession&) const = default;
};

/// process of the owner -> mailbox stage: the name of a frame without a body; the session that
/// came with the frame's number has ended.
inline constexpr std::string_view kSessionEnded = "session-ended";

}  // namespace facteur::ipc
