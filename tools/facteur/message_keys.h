#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace facteur::tool {

/// What of a message becomes the keys of `postmap -q -` with -h, -b and -m.
struct MessageParts {
    bool headers = false;
    bool body = false;
    bool mime = false;  ///< also the headers of parts; and no body lines from them
};
/// Header fields (folded ones with their newlines inside) and body lines of a message as a file has
/// it, in the order of the message.
std::vector<std::string> message_keys(std::string_view message, const MessageParts& wanted);

}  // namespace facteur::tool
