#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/rpc.h"

/// The way from a login stage to its mailbox stage (services imap-mailbox, pop3-mailbox).
namespace facteur::ipc {

/// Goes on with a session whose user is known.  Descriptor 0: the client's connection, or one end
/// of a socket pair whose other end the login stage pumps through TLS.  The answer means that the
/// mailbox stage has it; an Error that the login stage must say so to the client.
struct OpenMailbox {
    std::string user;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string home;
    std::string mail;            ///< mail_location, expanded
    std::string client_address;  ///< text, with port
    std::string local_address;
    bool secured = false;  ///< TLS, or a connection that never leaves the host
    std::string session;   ///< id in the log lines of both stages
    std::string tag;       ///< IMAP: of the command to answer; POP3: empty
    std::string method;    ///< SASL mechanism
    std::string input;     ///< what the client sent ahead, not yet read

    using Reply = Nothing;
    static constexpr std::string_view kName = "open-mailbox";
    static constexpr auto fields() {
        using M = OpenMailbox;
        return std::tuple{Field{"user", &M::user},
                          Field{"uid", &M::uid},
                          Field{"gid", &M::gid},
                          Field{"home", &M::home},
                          Field{"mail", &M::mail},
                          Field{"client_address", &M::client_address},
                          Field{"local_address", &M::local_address, true},
                          Field{"secured", &M::secured},
                          Field{"session", &M::session},
                          Field{"tag", &M::tag, true},
                          Field{"method", &M::method, true},
                          Field{"input", &M::input, true}};
    }
};

}  // namespace facteur::ipc
