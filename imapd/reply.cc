#include "imapd/reply.h"

#include <string_view>

namespace facteur::imapd {

namespace {

struct Code {
    std::string_view status;
    std::string_view code;
};
constexpr Code kCodes[] = {
    {"5.1.1", "[NONEXISTENT] "}, {"5.1.2", "[TRYCREATE] "}, {"5.2.0", "[ALREADYEXISTS] "},
    {"5.1.3", "[CANNOT] "},      {"5.2.2", "[OVERQUOTA] "}, {"5.7.0", "[EXPUNGEISSUED] "},
    {"5.3.4", "[LIMIT] "},       {"5.7.1", "[NOPERM] "},    {"5.3.3", "[CANNOT] "},
};

}  // namespace

Reply bad(const std::string& what) {
    return Reply{Reply::Kind::bad, "Error in IMAP command: " + what};
}

Reply uid_required() {
    return Reply{Reply::Kind::bad, "[UIDREQUIRED] Message numbers are not allowed now."};
}

Reply refused(const Error& error) {
    if (error.is_temporary()) return no("[UNAVAILABLE] Internal error, try again later.");
    for (const Code& known : kCodes) {
        if (known.status == error.status) return no(std::string(known.code) + error.text);
    }
    return no(error.text);
}

std::string to_line(const std::string& tag, const Reply& reply) {
    static constexpr std::string_view kWords[] = {" OK ", " NO ", " BAD "};
    std::string line = tag;
    line += kWords[static_cast<int>(reply.kind)];
    line += reply.text;
    line += "\r\n";
    return line;
}

}  // namespace facteur::imapd
