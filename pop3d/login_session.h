#pragma once

#include <string>
#include <string_view>

#include "lib/login/reception.h"

namespace facteur::pop3d {

/// The AUTHORIZATION state: RFC 1939 sections 4 and 7, STLS (RFC 2595), AUTH (RFC 5034).
class LoginSession : public login::Reception {
public:
    using Reception::Reception;

protected:
    Task<std::string> greeting() override;
    Task<void> next() override;
    std::string farewell(std::string_view text, bool is_temporary) const override;
    void forget() override { user_.clear(); }

private:
    using Handler = Task<std::string> (LoginSession::*)(std::string_view arguments);
    struct Verb {
        std::string_view name;
        Handler handler;
    };
    static const Verb kVerbs[];

    Task<void> handle(const std::string& line);
    Task<std::string> admit(login::Visitor::Verdict verdict);

    Task<std::string> do_user(std::string_view arguments);
    Task<std::string> do_pass(std::string_view arguments);
    Task<std::string> do_auth(std::string_view arguments);
    Task<std::string> do_stls(std::string_view arguments);
    Task<std::string> do_capa(std::string_view arguments);
    Task<std::string> do_noop(std::string_view arguments);
    Task<std::string> do_quit(std::string_view arguments);

    std::string user_;
    int bad_commands_ = 0;
};

}  // namespace facteur::pop3d
