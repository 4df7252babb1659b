#pragma once

#include <string>
#include <string_view>

#include "lib/login/visitor.h"

namespace facteur::pop3d {

/// The AUTHORIZATION state: RFC 1939 sections 4 and 7, STLS (RFC 2595), AUTH (RFC 5034).
class LoginSession {
public:
    LoginSession(login::Door& door, Scope& scope, Fd socket);
    /// Never throws.
    Task<void> run();

private:
    using Handler = Task<std::string> (LoginSession::*)(std::string_view arguments);
    struct Verb {
        std::string_view name;
        Handler handler;
    };
    static const Verb kVerbs[];

    Task<void> converse();
    Task<void> handle(const std::string& line);
    Task<std::string> admit(login::Visitor::Verdict verdict);
    void end(std::string_view text, std::string ending);

    Task<std::string> do_user(std::string_view arguments);
    Task<std::string> do_pass(std::string_view arguments);
    Task<std::string> do_auth(std::string_view arguments);
    Task<std::string> do_stls(std::string_view arguments);
    Task<std::string> do_capa(std::string_view arguments);
    Task<std::string> do_noop(std::string_view arguments);
    Task<std::string> do_quit(std::string_view arguments);

    login::Door& door_;
    login::Visitor visitor_;
    std::string user_;
    int bad_commands_ = 0;
    bool is_handed_over_ = false;
    bool wants_tls_ = false;
    bool ended_ = false;
    std::string ending_ = "Connection closed";
};

}  // namespace facteur::pop3d
