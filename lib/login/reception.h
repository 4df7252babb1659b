#pragma once

#include <string>
#include <string_view>

#include "lib/login/visitor.h"

namespace facteur::login {

/// The conversation with a client whose user is not known yet: what IMAP and POP3 have in common.
class Reception {
public:
    Reception(Door& door, Scope& scope, Caller caller);
    virtual ~Reception() = default;
    Reception(const Reception&) = delete;
    Reception& operator=(const Reception&) = delete;

    /// Never throws.
    Task<void> run();

protected:
    /// What the client hears first: a whole line.
    virtual Task<std::string> greeting() = 0;
    /// Reads one command and answers it.
    virtual Task<void> next() = 0;
    /// The line for a client that is sent away, without its line end.
    virtual std::string farewell(std::string_view text, bool is_temporary) const = 0;
    /// TLS begins: what was said in the clear counts for nothing (RFC 2595 section 4).
    virtual void forget() {}

    /// The conversation ends behind the answer to this command; `ending` is for the log.
    void finish(std::string ending);
    /// The same with a last line.
    void send_away(std::string_view text, std::string ending, bool is_temporary = false);
    bool has_ended() const { return ended_; }
    /// From then on the client hears the mailbox stage alone.
    bool is_handed_over() const { return is_handed_over_; }
    Task<Visitor::Handed> hand_over(std::string tag);
    /// TLS starts behind the answer to this command.
    void want_tls() { wants_tls_ = true; }
    /// authd has the mechanism.
    Task<bool> knows(std::string mechanism);

    Door& door_;
    Visitor visitor_;

private:
    Task<void> converse();

    bool is_handed_over_ = false;
    bool wants_tls_ = false;
    bool ended_ = false;
    std::string ending_ = "Connection closed";
};

}  // namespace facteur::login
