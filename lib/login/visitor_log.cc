// Log lines in Dovecot's words: fail2ban and people look for them.

#include "lib/base/log.h"
#include "lib/event/loop.h"
#include "lib/login/visitor.h"

namespace facteur::login {

std::string Visitor::description() const {
    std::string text = "user=<" + user_ + ">, ";
    if (!method_.empty()) text += "method=" + method_ + ", ";
    text += "rip=" + remote_ + ", lip=" + local_;
    if (!tls_failure_.empty()) {
        text += ", TLS handshaking: " + tls_failure_;
    } else if (has_tls()) {
        text += ", TLS";
    } else if (is_secured()) {
        text += ", secured";
    }
    return text + ", session=<" + session_id_ + ">";
}

void Visitor::log_login(std::uint32_t pid) const {
    std::string text = description();
    std::size_t lip = text.find(", lip=");
    std::size_t after = text.find(", ", lip + 2);
    text.insert(after, ", mpid=" + std::to_string(pid));
    log_info(door_.protocol + "-login: Login: " + text);
}

void Visitor::log_end(std::string_view why) const {
    auto seconds = std::chrono::duration_cast<Seconds>(Loop::current().now() - since_).count();
    std::string detail = "no auth attempts in " + std::to_string(seconds) + " secs";
    if (failures_ > 0) {
        detail = "auth failed, " + std::to_string(failures_) + " attempts in " +
                 std::to_string(seconds) + " secs";
    } else if (tried_plaintext_) {
        detail = "tried to use disallowed plaintext auth";
    }
    std::string text = door_.protocol + "-login: Disconnected";
    if (!why.empty()) text.append(": ").append(why);
    log_info(text + " (" + detail + "): " + description());
}

}  // namespace facteur::login
