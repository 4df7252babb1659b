#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/ipc/ways/delivery.h"

namespace facteur::lmtp_local {

/// What a line of master.cf says of a pipe transport, as pipe(8) of Postfix reads it.
struct PipeOptions {
    bool blank_line = false;      ///< flag B: an empty line ends the message
    bool delivered_to = false;    ///< D
    bool from_line = false;       ///< F
    bool original_to = false;     ///< O
    bool return_path = false;     ///< R
    bool final_delivery = false;  ///< X
    bool fold_domain = false;     ///< h
    bool quote = false;           ///< q
    bool fold_local = false;      ///< u
    bool dots = false;            ///< .
    bool quote_from = false;      ///< >
    std::string user;
    std::string group;      ///< empty: the user's
    std::string directory;  ///< empty: queue_directory
    std::string chroot;
    std::string eol = "\n";
    std::string null_sender = "MAILER-DAEMON";
    std::uint64_t size_limit = 0;  ///< 0: none
    std::vector<std::string> argv;
    std::vector<std::string> warnings;  ///< what was overlooked

    /// The sender as the command knows it.
    std::string sender(const std::string& address) const {
        return address.empty() ? null_sender : address;
    }
};

/// `words`: the command attributes of master.cf, behind the program's name.
Result<PipeOptions> parse_pipe_options(const std::vector<std::string>& words);

/// argv with its macros replaced; words with what differs by recipient come once for each.
std::vector<std::string> pipe_arguments(const PipeOptions& options, const ipc::Job& job,
                                        const std::string& recipient_delimiter);

}  // namespace facteur::lmtp_local
