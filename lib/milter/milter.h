#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/event/task.h"
#include "lib/milter/header_list.h"
#include "lib/milter/protocol.h"
#include "lib/milter/spec.h"
#include "lib/net/stream.h"

namespace facteur::milter {

/// What a milter wants to happen.
struct Verdict {
    enum class Kind : std::uint8_t {
        go_on,
        refuse,      ///< with `reply`
        discard,     ///< the message; the client hears 250
        shutdown,    ///< the connection ends, with `reply`
        quarantine,  ///< go on, but the message is held
    };
    Kind kind = Kind::go_on;
    ReplyText reply;
    std::string reason;  ///< of a quarantine
    bool stops() const { return kind != Kind::go_on && kind != Kind::quarantine; }
};

/// Connects to "inet:host:port" or "unix:path".
using Connect = std::function<Task<Result<Fd>>(std::string place, TimePoint deadline)>;
/// The value of a macro, "i" or "{mail_addr}"; empty: it has none.
using Macros = std::function<std::string(std::string_view name)>;

/// The macros of each stage, where a milter does not choose itself.
using MacroNames = std::vector<std::vector<std::string>>;
MacroNames macro_names(const Settings& settings);

/// What a milter wants changed at the end of a message.
struct Changes {
    std::vector<Answer> answers;  ///< without bodies
    Fd body;                      ///< a memory file, when the body is replaced
    std::uint64_t body_size = 0;
    bool leading_space = false;  ///< values of fields begin behind the colon
};

/// What one session says to one milter.  Whatever goes wrong becomes what default_action says, for
/// the rest of the session.
class Milter {
public:
    struct Limits {
        std::uint64_t packet = 1100000;
        std::size_t changes = 10000;
        std::uint64_t body = 0;  ///< of a replaced body; 0: none
    };
    Milter(Scope& scope, Spec spec, const MacroNames& names, const Macros& macros, Limits limits);

    /// Connects, agrees on terms, says who the client is.
    Task<Verdict> connect(const Connect& connect, std::string client);
    Task<Verdict> command(Stage stage, Command command, std::string data);
    /// The content; what it wants changed is in `changes` when the verdict lets the message go on.
    Task<Verdict> content(checks::Source source, const HeaderList& header, Changes& changes);
    /// The message ends here, accepted or not.
    void end_message(bool completed);
    /// Says goodbye without waiting for anything.
    void quit();

    bool wants_rejected_recipients() const { return has(rejected_recipients); }
    bool wants_macro(Stage stage, std::string_view name) const;
    const Spec& spec() const { return spec_; }
    /// What it said of the session as a whole: each command hears it again.
    const std::optional<Verdict>& standing() const { return sticky_; }

private:
    bool has(std::uint32_t flag) const { return stream_ && (terms_.protocol & flag) != 0; }
    bool listens() const { return stream_ && !accepted_session_ && !accepted_message_; }
    Task<Result<void>> open(const Connect& connect);
    Task<Verdict> say(Stage stage, Command command, std::string data);
    Task<Result<Answer>> answer();
    Task<Result<Answer>> exchange(Milliseconds timeout);
    Task<Verdict> send_headers(const HeaderList& header);
    Task<Verdict> send_body(checks::Source source, std::uint64_t from);
    Task<Verdict> finish(Changes& changes);
    Task<Result<Answer>> collect(Changes& changes);
    Result<void> take_change(Answer answer, Changes& changes);
    Verdict interpret(Command command, const Answer& answer);
    Verdict fail(const std::string& why);
    void put_macros(Stage stage, Command command);
    const std::vector<std::string>& names_for(Stage stage) const;

    Scope& scope_;
    Spec spec_;
    const MacroNames& names_;
    const Macros& macros_;
    Limits limits_;
    std::unique_ptr<Stream> stream_;
    Terms terms_;
    MacroNames chosen_;  ///< SMFIF_SETSYMLIST; a stage that it did not choose for is empty
    std::vector<bool> has_chosen_;
    std::optional<Verdict> sticky_;  ///< what it said of the session, or default_action
    bool accepted_session_ = false;
    bool accepted_message_ = false;
    bool in_message_ = false;
    bool skips_body_ = false;
};

}  // namespace facteur::milter
