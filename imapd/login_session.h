#pragma once

#include <string>
#include <string_view>

#include "imapd/command_reader.h"
#include "imapd/reply.h"
#include "lib/imap/scanner.h"
#include "lib/login/reception.h"

namespace facteur::imapd {

/// The IMAP conversation before a user is known: RFC 3501 sections 3.1, 6.1 and 6.2.
class LoginSession : public login::Reception {
public:
    LoginSession(login::Door& door, Scope& scope, login::Caller caller);

protected:
    Task<std::string> greeting() override;
    Task<void> next() override;
    std::string farewell(std::string_view text, bool is_temporary) const override;

private:
    struct Command {
        std::string tag;
        std::string name;
        imap::Scanner arguments;
    };
    using Handler = Task<Reply> (LoginSession::*)(Command&);
    struct Verb {
        std::string_view name;
        Handler handler;
    };
    static const Verb kVerbs[];

    Task<void> handle(Incoming incoming);
    Task<Reply> dispatch(Command& command, const std::string& error);
    Task<std::string> capabilities();
    Task<Reply> admit(login::Visitor::Verdict verdict, const std::string& tag);

    Task<Reply> do_capability(Command& command);
    Task<Reply> do_noop(Command& command);
    Task<Reply> do_logout(Command& command);
    Task<Reply> do_id(Command& command);
    Task<Reply> do_starttls(Command& command);
    Task<Reply> do_login(Command& command);
    Task<Reply> do_authenticate(Command& command);

    CommandReader reader_;
    int bad_commands_ = 0;
};

}  // namespace facteur::imapd
