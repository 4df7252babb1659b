#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "imapd/command_reader.h"
#include "imapd/output.h"
#include "imapd/reply.h"
#include "imapd/settings.h"
#include "lib/event/worker.h"
#include "lib/imap/arguments.h"
#include "lib/imap/fetch.h"
#include "lib/imap/search.h"
#include "lib/net/stream.h"
#include "lib/store/store.h"

namespace facteur::imapd {

/// The IMAP conversation of one logged-in user (RFC 3501 sections 3.2 and 3.3).
class Session {
public:
    /// All must outlive the session.
    Session(Stream& stream, store::Store& store, WorkerPool& workers, const Settings& settings);

    /// Answers the LOGIN or AUTHENTICATE with that tag, then talks until the end; never throws.
    Task<void> run(std::string login_tag);

    /// "Logged out", "Disconnected for inactivity", …: for the log, once run() has returned.
    const std::string& ending() const { return ending_; }
    std::uint64_t received() const { return reader_.received(); }
    std::uint64_t sent() const { return out_.sent(); }

private:
    /// A command while it is being handled; `arguments` stand behind its name.
    struct Command {
        std::string tag;
        std::string name;
        bool by_uid = false;
        imap::Scanner arguments;
    };
    using Handler = Task<Reply> (Session::*)(Command&);
    struct Verb {
        std::string_view name;
        Handler handler;
        bool needs_mailbox = false;
        bool has_uid_form = false;
        /// RFC 3501 section 7.4.1: numbers must not change under FETCH, STORE and SEARCH.
        bool keeps_numbers = false;
    };
    static const Verb kVerbs[];

    Task<void> converse(std::string login_tag);
    Task<void> handle(Incoming incoming);
    Task<Reply> dispatch(Command& command, const std::string& error);
    static const Verb* find_verb(const Command& command);
    bool too_many_bad(const Reply& reply);
    void bye(std::string_view text, std::string ending);

    // commands_any.cc
    Task<Reply> do_capability(Command& command);
    Task<Reply> do_noop(Command& command);
    Task<Reply> do_logout(Command& command);
    Task<Reply> do_id(Command& command);
    Task<Reply> do_namespace(Command& command);
    Task<Reply> do_idle(Command& command);
    Task<Reply> do_login(Command& command);
    Task<void> watch(Scope& scope);

    // commands_mailboxes.cc
    Task<Reply> do_select(Command& command);
    Task<Reply> do_create(Command& command);
    Task<Reply> do_delete(Command& command);
    Task<Reply> do_rename(Command& command);
    Task<Reply> do_subscribe(Command& command);
    Task<Reply> do_unsubscribe(Command& command);
    Task<Reply> do_list(Command& command);
    Task<Reply> do_lsub(Command& command);
    Task<Reply> do_status(Command& command);
    Task<Reply> subscribe(Command& command, bool on);
    void tell_selected();

    // commands_append.cc
    Task<Reply> do_append(Command& command);
    Task<Result<store::NewMessage>> receive_message(const imap::LiteralMark& mark);
    Task<void> discard(std::uint64_t size);

    // commands_messages.cc
    Task<Reply> do_check(Command& command);
    Task<Reply> do_close(Command& command);
    Task<Reply> do_unselect(Command& command);
    Task<Reply> do_expunge(Command& command);
    Task<Reply> do_copy(Command& command);
    Task<Reply> do_move(Command& command);
    Task<Reply> do_store(Command& command);
    Task<Reply> do_fetch(Command& command);
    Task<Reply> do_search(Command& command);
    Task<Result<bool>> mark_seen(const std::vector<std::uint32_t>& sequences);

    /// The set in the arguments, as sequence numbers of messages that are there, ascending.
    Result<std::vector<std::uint32_t>> message_set(Command& command) const;
    std::vector<std::uint32_t> uids_of(const std::vector<std::uint32_t>& sequences) const;
    /// An astring in the arguments as a mailbox name in UTF-8.
    struct Name {
        std::string utf8;
        bool is_valid = true;  ///< false: not modified UTF-7
    };
    static Result<Name> mailbox_name(Command& command);
    std::string wire_name(const std::string& utf8) const;

    // untagged.cc
    Task<void> tell_changes(bool expunges);
    void tell_flags();
    void tell_message_flags(std::uint32_t sequence, bool with_uid);
    void append_message_flags(std::string& out, const store::Message& message) const;

    Stream& stream_;
    store::Store& store_;
    WorkerPool& workers_;
    const Settings& settings_;
    CommandReader reader_;
    Output out_;
    std::unique_ptr<store::Mailbox> mailbox_;
    std::size_t told_keywords_ = 0;
    int bad_commands_ = 0;
    bool ended_ = false;
    std::string ending_ = "Connection closed";

    friend class Fetch;
};

/// What CAPABILITY says once a user is logged in.
extern const std::string_view kCapabilities;

}  // namespace facteur::imapd
