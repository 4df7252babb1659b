#pragma once

#include <string_view>

namespace facteur::qmgr {

/// What an enhanced status code (RFC 3463) means to somebody who sent a message, and what can be
/// done: whole sentences without the line breaks.  Never empty.
std::string_view explanation(std::string_view status);

}  // namespace facteur::qmgr
