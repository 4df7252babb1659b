#pragma once

#include <cstdint>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::lmtp_local {

/// "From a@b  Mon Jan  1 00:00:00 2024", as a mailbox file and commands have it before each
/// message.
std::string from_line(const std::string& sender, std::time_t when);

enum class UnixForm {
    command,  ///< as it is
    mailbox   ///< "From " at the start of a line becomes ">From ", and an empty line comes last
};

/// The message as Unix programs expect it, piece by piece: from_line (if any), the fields of
/// `prefix`, the content, with line ends that are LF.  Stops with the Error that `put` returns.
Result<void> to_unix_form(UnixForm form, std::string_view from_line, std::string_view prefix,
                          int content, std::uint64_t offset, std::uint64_t size,
                          const std::function<Result<void>(std::string_view)>& put);

}  // namespace facteur::lmtp_local
