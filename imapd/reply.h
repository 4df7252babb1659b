#pragma once

#include <string>

#include "lib/base/result.h"

namespace facteur::imapd {

/// The tagged response that ends a command (RFC 3501 section 7.1).
struct Reply {
    enum class Kind { ok, no, bad };
    Kind kind = Kind::ok;
    std::string text;  ///< with its response code, if any
};

inline Reply ok(std::string text) {
    return Reply{Reply::Kind::ok, std::move(text)};
}
inline Reply no(std::string text) {
    return Reply{Reply::Kind::no, std::move(text)};
}
/// The client's syntax is wrong.
Reply bad(const std::string& what);
inline Reply bad(const Error& error) {
    return bad(error.text);
}
/// RFC 9586 section 3.1: sequence numbers after ENABLE UIDONLY.
Reply uid_required();
/// What the store refused or could not do, with the response code that fits (RFC 5530).
Reply refused(const Error& error);
/// "a1 OK text" CRLF
std::string to_line(const std::string& tag, const Reply& reply);

}  // namespace facteur::imapd
