#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
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
#include "lib/imap/metadata.h"
#include "lib/imap/search.h"
#include "lib/imap/search_return.h"
#include "lib/imap/sort.h"
#include "lib/net/stream.h"
#include "lib/store/store.h"

namespace facteur::imap {
struct MessageUrl;
}

namespace facteur::imapd {

class MessageBuffer;
class Notifications;
class Progress;

/// The IMAP conversation of one logged-in user (RFC 3501 sections 3.2 and 3.3).
class Session {
public:
    /// All must outlive the session.
    Session(Stream& stream, store::Store& store, WorkerPool& workers, const Settings& settings);
    ~Session();

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
    std::string capabilities() const;
    Task<Reply> do_capability(Command& command);
    Task<Reply> do_noop(Command& command);
    Task<Reply> do_logout(Command& command);
    Task<Reply> do_id(Command& command);
    Task<Reply> do_namespace(Command& command);
    Task<Reply> do_enable(Command& command);
    Task<Reply> do_compress(Command& command);
    Task<Reply> do_idle(Command& command);
    Task<Reply> do_login(Command& command);
    Task<void> watch(Scope& scope);

    // commands_select.cc
    Task<Reply> do_select(Command& command);
    Task<Reply> do_close(Command& command);
    Task<Reply> do_unselect(Command& command);
    Task<void> leave();
    void tell_selected();
    void tell_count();
    Task<void> resync(const imap::Resync& known);
    void enable_condstore();

    // commands_mailboxes.cc
    Task<Reply> do_create(Command& command);
    Task<Reply> do_delete(Command& command);
    Task<Reply> do_rename(Command& command);
    Task<Reply> do_subscribe(Command& command);
    Task<Reply> do_unsubscribe(Command& command);
    Task<Reply> subscribe(Command& command, bool on);
    std::optional<std::string> new_name_of_selected(const std::string& from,
                                                    const std::string& to) const;
    std::vector<std::uint32_t> all_uids() const;
    Task<void> select_again(std::string name, bool read_only, std::vector<std::uint32_t> uids);
    static bool may_be_given(store::Role role);

    // commands_metadata.cc
    Task<Reply> do_getmetadata(Command& command);
    Task<Reply> do_setmetadata(Command& command);
    std::size_t metadata_limit() const;
    void add_server_entries(store::Properties& properties) const;
    std::size_t tell_metadata(const std::string& wire, const store::Properties& properties,
                              const imap::MetadataQuery& query);
    std::optional<Reply> refuse_metadata(const std::string& mailbox, const std::string& entry,
                                         const std::optional<std::string>& value) const;
    Task<void> tell_list_metadata(std::string name, const imap::MetadataQuery& query);

    // commands_list.cc
    Task<Reply> do_list(Command& command);
    Task<Reply> do_lsub(Command& command);
    Task<Reply> do_status(Command& command);
    Task<Result<void>> tell_status(const std::string& name, unsigned items);
    Task<Result<void>> measure(const std::string& name);
    static std::string mailbox_attributes(const store::MailboxInfo& info, bool is_extended,
                                          bool tells_subscribed);
    std::string list_line(std::string_view command, std::string_view attributes,
                          const std::string& name, std::string_view more = "") const;

    // commands_append.cc
    Task<Reply> do_append(Command& command);
    Task<Reply> do_replace(Command& command);
    struct Appending;
    /// What became of the messages of a command: their response code, or the reply that ends it.
    struct Saved {
        bool is_there = false;
        std::string code;
        Reply reply;
    };
    Task<Saved> save_messages(Command& command, std::string wire, std::size_t limit);
    Task<std::optional<Reply>> receive_messages(Appending& appending, std::size_t limit);
    Task<std::optional<Reply>> receive_message(Appending& appending);
    Task<std::optional<Reply>> receive_literal(Appending& appending, imap::LiteralMark mark,
                                               MessageBuffer& buffer);
    Task<std::optional<Reply>> catenate(Appending& appending, MessageBuffer& buffer);
    Task<std::optional<Reply>> add_url(Appending& appending, std::string text,
                                       MessageBuffer& buffer);
    Task<Result<bool>> add_message_part(store::Mailbox& mailbox, imap::MessageUrl url,
                                        MessageBuffer& buffer);
    Task<Result<store::NewMessage>> finish_message(MessageBuffer buffer, bool is_binary);
    Task<void> drain(Appending& appending);
    Task<void> discard(std::uint64_t size);

    // commands_messages.cc
    Task<Reply> do_check(Command& command);
    Task<Reply> do_expunge(Command& command);
    Task<Reply> do_copy(Command& command);
    Task<Reply> do_move(Command& command);
    Task<Reply> do_store(Command& command);
    Task<Reply> do_fetch(Command& command);
    Task<Reply> fetch(const std::vector<std::uint32_t>& sequences,
                      std::vector<imap::FetchItem> items, bool by_uid);
    Task<void> tell_vanished(const imap::SequenceSet& set);
    void keep_changed(std::vector<std::uint32_t>& sequences, std::uint64_t since) const;
    void note_touched(const std::vector<std::uint32_t>& uids);
    Task<Result<bool>> mark_seen(const std::vector<std::uint32_t>& sequences);
    Task<void> tell_stored(const std::vector<std::uint32_t>& sequences, bool silent, bool by_uid);
    std::string numbers_text(const std::vector<std::uint32_t>& uids, bool by_uid) const;
    std::string highest_modseq_code() const;

    // commands_search.cc
    Task<Reply> do_search(Command& command);
    Task<Reply> do_sort(Command& command);
    Task<Reply> do_thread(Command& command);
    imap::SearchLimits search_limits() const;
    Task<Result<std::vector<std::uint32_t>>> find(const imap::SearchProgram& program,
                                                  Progress& progress);
    std::optional<Reply> refuse_sequences(const imap::SearchProgram& program) const;
    std::string search_limit_code() const;
    void save(const imap::SearchReturn& wanted, const std::vector<std::uint32_t>& found);
    void tell_found(const Command& command, const imap::SearchReturn& wanted,
                    const std::vector<std::uint32_t>& found, bool with_modseq);
    std::uint64_t modseq_of(const imap::SearchReturn& wanted,
                            const std::vector<std::uint32_t>& found) const;

    /// RFC 9738 section 3: only the last messages are handled, as many as one command may; the
    /// response code that says so, or nothing.
    std::string keep_last(std::vector<std::uint32_t>& sequences) const;
    std::uint32_t message_limit() const;
    /// The set in the arguments, as sequence numbers of messages that are there, ascending.
    Result<std::vector<std::uint32_t>> message_set(Command& command) const;
    Result<std::vector<std::uint32_t>> resolve(const imap::SequenceSet& set, bool by_uid) const;
    std::vector<std::uint32_t> uids_of(const std::vector<std::uint32_t>& sequences) const;
    /// An astring in the arguments as a mailbox name in UTF-8.
    struct Name {
        std::string utf8;
        bool is_valid = true;  ///< false: not modified UTF-7
    };
    Result<Name> mailbox_name(Command& command) const;
    std::optional<std::string> utf8_name(const std::string& wire) const;
    std::string wire_name(const std::string& utf8) const;
    void append_name(std::string& out, const std::string& utf8) const;

    // commands_quota.cc, commands_acl.cc
    Task<Reply> do_getquota(Command& command);
    Task<Reply> do_getquotaroot(Command& command);
    Task<Reply> do_setquota(Command& command);
    Task<Reply> do_getacl(Command& command);
    Task<Reply> do_setacl(Command& command);
    Task<Reply> do_listrights(Command& command);
    Task<Reply> do_myrights(Command& command);
    void tell_my_rights(const std::string& name, const std::string& rights);
    Task<void> tell_list_rights(std::string name);

    // commands_context.cc
    /// RFC 5267 section 4: a search whose changes are told.
    struct SearchContext {
        std::string tag;
        bool by_uid = false;
        imap::SearchProgram program;
        std::vector<imap::SortKey> keys;  ///< of SORT
        std::vector<imap::FetchItem> items;
        std::vector<std::uint32_t> uids;  ///< as the client knows them
    };
    Task<Reply> do_cancelupdate(Command& command);
    Task<Reply> do_esearch(Command& command);
    Task<std::optional<Reply>> resolve_filters(imap::SearchKey& key, int depth);
    Task<std::optional<Reply>> resolve_filters(imap::SearchKey& key, int depth,
                                               std::size_t& key_budget);
    void keep_context(const Command& command, const imap::SearchReturn& wanted,
                      SearchContext context);
    std::uint32_t number_of(const SearchContext& context, std::uint32_t uid) const;
    void take_from(SearchContext& context, const std::vector<std::uint32_t>& uids);
    Task<void> add_to(SearchContext& context, std::vector<std::uint32_t> uids);
    Task<void> update_contexts(std::vector<std::uint32_t> touched, std::uint32_t first_new);
    Task<void> tell_context_items(const SearchContext& context,
                                  const std::vector<std::uint32_t>& uids);
    Task<Result<std::vector<std::string>>> searched_mailboxes(
        std::vector<imap::MailboxFilter> filters);
    Task<Result<void>> search_mailbox(const Command& command, std::string name,
                                      const imap::SearchProgram& program,
                                      const imap::SearchReturn& wanted);
    /// What an ESEARCH response tells behind its head.
    static std::string result_items(const imap::SearchReturn& wanted,
                                    const std::vector<std::uint32_t>& numbers,
                                    std::uint64_t modseq);

    // commands_notify.cc
    Task<Reply> do_notify(Command& command);
    Task<bool> begin_notifications(bool tells_status);
    Task<void> end_notifications();
    unsigned notified_items(unsigned events) const;
    Task<void> tell_watched(std::string name);
    Task<std::string> old_name_of(std::string name,
                                  const std::map<std::string, store::MailboxInfo>& now);
    Task<void> tell_name(const store::MailboxInfo& info, const store::MailboxInfo* before,
                         const std::map<std::string, store::MailboxInfo>& now);
    Task<void> tell_names();
    Task<void> tell_notifications(Scope& scope);
    Task<void> watch_all(Scope& scope, bool in_idle);
    Task<void> wait_for_command();
    Task<void> tell_new_items(std::uint32_t first);
    Task<void> tell_news(bool expunges);
    /// RFC 5465 section 5: a client is not told what it did itself.
    void note_own_name(const std::string& name);

    // untagged.cc
    Task<void> tell_changes(bool expunges);
    void tell_flags();
    /// With MODSEQ and UID when the client enabled what brings them.
    void tell_message_flags(std::uint32_t sequence, bool with_uid, bool with_flags = true);
    Task<void> tell_expunged(const store::Changes& changes);
    void take_expunged(SearchContext& context, const std::vector<std::uint32_t>& gone,
                       const store::Changes& changes);
    void append_message_flags(std::string& out, const store::Message& message) const;

    Stream& stream_;
    store::Store& store_;
    WorkerPool& workers_;
    const Settings& settings_;
    CommandReader reader_;
    Output out_;
    std::unique_ptr<store::Mailbox> mailbox_;
    bool wants_deflate_ = false;        ///< RFC 4978 section 3: behind the OK
    bool utf8_ = false;                 ///< RFC 6855 section 3: names in UTF-8
    bool rev2_ = false;                 ///< RFC 9051 section 6.3.1
    bool condstore_ = false;            ///< RFC 7162 section 3.1
    bool qresync_ = false;              ///< RFC 7162 section 3.2
    bool uid_only_ = false;             ///< RFC 9586 section 3
    std::vector<std::uint32_t> saved_;  ///< RFC 5182 section 2.1: "$", as UIDs, ascending
    std::size_t told_keywords_ = 0;
    std::vector<SearchContext> contexts_;
    std::vector<std::uint32_t> touched_;  ///< UIDs whose flags this session changed, for contexts_
    std::string quota_mailbox_ = "INBOX";
    std::unique_ptr<Notifications> notify_;  ///< RFC 5465 section 3.1
    std::set<std::string> renamed_;          ///< names that tell_names() has told of
    bool has_own_server_metadata_ = false;
    int bad_commands_ = 0;
    bool ended_ = false;
    std::string ending_ = "Connection closed";

    friend class Fetch;
};

}  // namespace facteur::imapd
