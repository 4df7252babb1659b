#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/milter/milter.h"
#include "lib/net/address.h"

namespace facteur::milter {

/// A message as milters change it.  All changes are done to the content in place.
class Message {
public:
    virtual ~Message() = default;
    virtual checks::Source content() const = 0;
    /// What tells our own Received: field, which no milter sees, from all others.
    virtual std::string own_trace() const = 0;
    virtual Result<void> edit(const checks::Edits& edits) = 0;
    /// From `at` on the content is `body`.
    virtual Result<void> replace_body(std::uint64_t at, const checks::Source& body) = 0;
    /// milter_header_checks: the field as it is to be, or nothing.
    virtual Task<Result<std::optional<std::string>>> check_header(std::string field) = 0;
    /// parameters: as behind MAIL FROM and RCPT TO.
    virtual void change_sender(std::string address, std::string parameters) = 0;
    virtual void add_recipient(std::string address, std::string parameters) = 0;
    virtual void delete_recipient(std::string_view address) = 0;
    /// What milter_header_checks decided about the message as a whole.
    virtual std::optional<Verdict> decided() const = 0;
};

/// Client's address and name as milters get them.
std::string connect_data(const std::string& name, const Address& client);

/// The milters of one session, asked in their order.  The first that objects decides.
class Chain {
public:
    Chain(Scope& scope, std::vector<Spec> specs, const Settings& settings, Macros macros,
          Connect connect, std::uint64_t message_limit);
    ~Chain();

    Task<Verdict> connect(std::string client);
    Task<Verdict> helo(std::string name);
    /// address: in angle brackets; parameters: words.
    Task<Verdict> mail(std::string address, std::vector<std::string> parameters);
    Task<Verdict> recipient(std::string address, std::vector<std::string> parameters);
    /// One that was refused anyway, for those that want to know.
    Task<void> rejected_recipient(std::string address, std::vector<std::string> parameters);
    Task<Verdict> data();
    /// For commands that milters do not hear of: what one of them said of the session.
    Verdict standing() const;
    Task<Verdict> unknown(std::string command);
    Task<Verdict> message(Message& message);
    /// The message ended, with or without an answer to its content.
    void end_message();
    /// The session ended.
    void quit();

    bool wants_macro(Stage stage, std::string_view name) const;
    bool wants_rejected_recipients() const;

private:
    Task<Verdict> all(Stage stage, Command command, std::string data);
    Task<Result<Verdict>> one_message(Milter& milter, Message& message);
    Task<Result<Verdict>> change(Message& message, HeaderList& header, Changes& changes);
    Task<Result<void>> change_header(Message& message, HeaderList& header, const Answer& answer,
                                     bool leading_space);

    MacroNames names_;
    Macros macros_;
    Connect connect_;
    std::vector<std::unique_ptr<Milter>> milters_;
};

}  // namespace facteur::milter
