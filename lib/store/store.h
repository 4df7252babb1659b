#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/event/signal.h"
#include "lib/event/task.h"
#include "lib/store/summary.h"

namespace facteur {
class WorkerPool;
}

namespace facteur::store {

/// System flags of RFC 3501 section 2.3.2, as bits.  \Recent belongs to a session: see Message.
enum Flag : std::uint8_t { seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16 };
using Flags = std::uint8_t;

/// A mailbox has at most so many keywords; a bit each.
constexpr std::size_t kMaxKeywords = 64;

/// RFC 6154 section 2.
enum class Role { none, all, archive, drafts, flagged, junk, sent, trash };

/// One line of LIST.
struct MailboxInfo {
    std::string name;        ///< UTF-8, levels separated by Store::separator(); INBOX in capitals
    bool selectable = true;  ///< false: only a level above others, or only subscribed
    bool has_children = false;
    bool subscribed = false;
    bool exists = true;  ///< false: subscribed, but not there (RFC 3501 section 6.3.9)
    Role role = Role::none;
};

/// RFC 3501 section 6.3.10, RFC 7162 section 3.1.2.
struct MailboxStatus {
    std::uint32_t messages = 0, recent = 0, unseen = 0, deleted = 0;
    std::uint32_t uid_next = 0, uid_validity = 0;
    std::uint64_t highest_modseq = 0;
    std::uint64_t size = 0;          ///< all messages together, RFC 8438
    std::uint64_t deleted_size = 0;  ///< those with \Deleted together, RFC 9208
    std::string id;                  ///< see Mailbox::id()
};

/// What is kept with a mailbox beside its messages: annotations by the name of their entry (RFC
/// 5464), in lower case.  "/private/specialuse" decides MailboxInfo::role (RFC 6154 section 5.4).
using Properties = std::map<std::string, std::string, std::less<>>;
struct PropertyChange {
    std::string name;
    std::optional<std::string> value;  ///< nothing: removed
};
constexpr std::string_view kSpecialUse = "/private/specialuse";
/// "\\Sent" for Role::sent, empty for Role::none; and back, without regard to case.
std::string_view role_name(Role role);
Role role_named(std::string_view name);

/// What a session sees of one message without reading it.
struct Message {
    std::uint32_t uid = 0;
    std::uint64_t modseq = 0;
    Flags flags = 0;
    bool recent = false;             ///< this session is the first that was told of it
    bool expunged = false;           ///< gone, but this session has not been told: no content
    std::uint64_t keywords = 0;      ///< bit i: Mailbox::keywords()[i]
    std::int64_t internal_date = 0;  ///< seconds since the epoch
    std::int64_t save_date = 0;      ///< when it came into this mailbox; 0: not known
    std::uint64_t size = 0;          ///< RFC822.SIZE; 0: not known yet, see Mailbox::measure()
};

/// A message's bytes in wire form (CRLF), to be sent with sendfile(2) or read with pread(2).
struct Content {
    Fd fd;
    std::uint64_t size = 0;
};

/// What sync() found.  Send it in this order: expunged, then the new count, then the flags.
struct Changes {
    /// Sequence numbers, highest first, so that each is right when it is sent in this order.
    std::vector<std::uint32_t> expunged;
    std::vector<std::uint32_t> expunged_uids;  ///< the same messages, for VANISHED (RFC 7162)
    bool exists = false;                       ///< there are new messages: tell size() and recent()
    std::vector<std::uint32_t> flags;  ///< sequence numbers (after the above) with new flags
    bool keywords = false;             ///< there are new keywords: tell FLAGS
    bool gone = false;                 ///< deleted or rebuilt: the session must end (BYE)
};

struct FlagChange {
    enum class Mode { add, remove, replace };
    Mode mode = Mode::add;
    Flags flags = 0;
    std::vector<std::string> keywords;
    std::optional<std::uint64_t> unchanged_since;  ///< RFC 7162 section 3.1.3
};

struct StoreOutcome {
    std::vector<std::uint32_t> changed;   ///< UIDs whose flags now differ
    std::vector<std::uint32_t> modified;  ///< UIDs that failed unchanged_since
    std::uint64_t modseq = 0;             ///< of the change; 0 when nothing changed
};

/// COPYUID of RFC 4315 section 3: source[i] became target[i].
struct CopyOutcome {
    std::uint32_t uid_validity = 0;
    std::vector<std::uint32_t> source;
    std::vector<std::uint32_t> target;
};

/// Is shown a message: see Mailbox::read().
using Reader = std::function<void(std::uint32_t uid, const std::string& content)>;

/// One mailbox as one session has selected it.  Sequence numbers 1…size() belong to the view and
/// change only in sync(); everything else is as fresh as the last operation made it.
class Mailbox {
public:
    virtual ~Mailbox() = default;

    virtual const std::string& name() const = 0;
    virtual bool read_only() const = 0;
    /// RFC 8474 section 4.1: no other mailbox has it, and it survives a change of the name.
    virtual const std::string& id() const = 0;
    virtual std::uint32_t uid_validity() const = 0;
    virtual std::uint32_t uid_next() const = 0;
    virtual std::uint64_t highest_modseq() const = 0;

    virtual std::uint32_t size() const = 0;
    virtual std::uint32_t recent() const = 0;
    /// 1 ≤ sequence ≤ size().
    virtual std::uint32_t uid(std::uint32_t sequence) const = 0;
    /// The lowest sequence number whose UID is at least uid; size()+1 when there is none.
    virtual std::uint32_t sequence_from(std::uint32_t uid) const = 0;
    /// Costs no input or output.
    virtual Message message(std::uint32_t sequence) const = 0;

    virtual const std::vector<std::string>& keywords() const = 0;

    /// Brings the view up to date.  Without `expunges`, messages that went away stay in the view
    /// until a later call (RFC 3501 section 7.4.1: FETCH, STORE and SEARCH tell none).  What this
    /// session changed itself is not in Changes.
    virtual Task<Result<Changes>> sync(bool expunges) = 0;
    /// Notified when sync() may find something, whoever did it; the first call starts watching.
    virtual Signal& changed() = 0;

    /// Error status 5.7.0 "expunged" when the message is gone.
    virtual Task<Result<Content>> content(std::uint32_t uid) = 0;
    /// Reads these messages in wire form, in this order, and shows each in a worker thread; what is
    /// gone is left out.
    virtual Task<Result<void>> read(std::vector<std::uint32_t> uids, Reader reader) = 0;
    virtual Task<Result<Summary>> summary(std::uint32_t uid) = 0;
    /// Shows the summary where it is kept, without input or output; false when it is not known at
    /// once: see summarize().  The view ends with the visit.
    virtual bool peek(std::uint32_t uid,
                      const std::function<void(const SummaryView&)>& visit) const = 0;
    /// Makes the summaries of these known where they can be kept; what is gone is left out.
    virtual Task<Result<void>> summarize(std::vector<std::uint32_t> uids) = 0;
    /// Makes Message::size known for these; at once when they are, otherwise files are read.
    virtual Task<Result<void>> measure(std::vector<std::uint32_t> uids) = 0;

    /// Refused (permanent) in a read-only view.
    virtual Task<Result<StoreOutcome>> store(std::vector<std::uint32_t> uids,
                                             FlagChange change) = 0;
    /// Removes messages with \Deleted, all or those among `uids`; the view is told by sync().
    virtual Task<Result<std::vector<std::uint32_t>>> expunge(
        std::optional<std::vector<std::uint32_t>> uids) = 0;
    /// All or nothing.  Durable when it returns.  The target's name as in Store; a missing one is
    /// a permanent Error with status "5.1.2" ([TRYCREATE]).
    virtual Task<Result<CopyOutcome>> copy(std::vector<std::uint32_t> uids, std::string target) = 0;
    virtual Task<Result<CopyOutcome>> move(std::vector<std::uint32_t> uids, std::string target) = 0;
    /// Writes back what is lazy.  The view may be destroyed without it.
    virtual Task<void> close() = 0;
};

/// When an appended message must be on disk.
enum class Durability {
    now,   ///< before append() returns: IMAP APPEND, LMTP from a foreign MTA
    later  ///< at the next flush(): what the queue's journal still holds
};

struct NewMessage {
    /// Either a descriptor (from an offset on, to its end when content_size is 0), or the bytes;
    /// in wire form (CRLF).
    Fd content;
    std::uint64_t content_offset = 0;
    std::uint64_t content_size = 0;
    std::string bytes;
    std::string prefix;  ///< goes before the content: Return-Path:, Delivered-To:
    Flags flags = 0;
    std::vector<std::string> keywords;
    std::optional<std::int64_t> internal_date;  ///< now when missing
    Durability durability = Durability::now;
    /// Not empty: names this delivery for ever; a second append with the same one into the same
    /// mailbox does nothing and succeeds, wherever the message is by then.
    std::string delivery_id;
    /// The caller cannot exclude that an earlier process made this delivery.
    bool maybe_delivered = false;
};

struct Appended {
    std::uint32_t uid_validity = 0;
    std::uint32_t uid = 0;
    bool duplicate = false;  ///< delivery_id was there already
};

/// RFC 9208: a quota root with what it limits.
struct QuotaRoot {
    std::string name;
    std::uint64_t bytes = 0, messages = 0;            ///< in use
    std::uint64_t byte_limit = 0, message_limit = 0;  ///< 0: none
    bool operator==(const QuotaRoot&) const = default;
};

/// One line of an access control list (RFC 4314): "anyone", "authenticated", "owner", a user's
/// name, or "$group"; with "-" in front, rights that are taken away.
struct AclEntry {
    std::string identifier;
    std::string rights;  ///< letters of "lrswipkxtea", in this order
    bool operator==(const AclEntry&) const = default;
};
enum class AclChange { replace, add, remove };

/// RFC 2342.
struct Namespace {
    enum class Kind { personal, others, shared };
    Kind kind = Kind::personal;
    std::string prefix;  ///< "", "shared/", "Public/"
    bool listed = true;  ///< its mailboxes stand in list()
};

/// Lives as long as somebody wants to hear of something.
class Watch {
public:
    virtual ~Watch() = default;
    /// Notified when it may have changed, by whomever.
    virtual Signal& changed() = 0;
};

/// All mail of one user.  Names are UTF-8; INBOX always exists and is matched in any case.
class Store {
public:
    virtual ~Store() = default;

    virtual char separator() const = 0;
    /// All mailboxes, and what is subscribed without being there; sorted by name.  The caller
    /// matches patterns.
    virtual Task<Result<std::vector<MailboxInfo>>> list() = 0;
    /// Refusals are permanent, with the status that IMAP's response codes come from:
    /// 5.1.1 no such mailbox [NONEXISTENT], 5.1.2 missing target [TRYCREATE], 5.2.0 exists
    /// already [ALREADYEXISTS], 5.1.3 impossible name [CANNOT], 5.2.2 over quota [OVERQUOTA],
    /// 5.7.0 expunged [EXPUNGEISSUED].
    virtual Task<Result<void>> create(std::string name) = 0;
    virtual Task<Result<void>> remove(std::string name) = 0;
    virtual Task<Result<void>> rename(std::string from, std::string to) = 0;
    virtual Task<Result<void>> subscribe(std::string name, bool on) = 0;
    /// Of a mailbox; an empty name: of the store as a whole.
    virtual Task<Result<Properties>> properties(std::string name) = 0;
    /// All or nothing, durable when it returns.  Status 5.2.2 when there would be more than `most`.
    virtual Task<Result<void>> set_properties(std::string name, std::vector<PropertyChange> changes,
                                              std::size_t most) = 0;

    virtual Task<Result<std::unique_ptr<Mailbox>>> open(std::string name, bool read_only) = 0;
    virtual Task<Result<MailboxStatus>> status(std::string name) = 0;
    /// A mailbox with its properties; an empty name: the names, the subscriptions and the store's
    /// own properties.
    virtual Task<Result<std::unique_ptr<Watch>>> watch(std::string name);
    /// Into a mailbox that need not be open.
    virtual Task<Result<Appended>> append(std::string name, NewMessage message) = 0;
    /// All or nothing (RFC 3502).
    virtual Task<Result<std::vector<Appended>>> append_all(std::string name,
                                                           std::vector<NewMessage> messages) = 0;
    /// Makes durable what was appended with Durability::later.  One flush() serves all Stores with
    /// the same flush_domain() (which is known once something was appended).
    virtual Task<Result<void>> flush() = 0;
    virtual std::uint64_t flush_domain() const { return 0; }

    /// The quota roots that count for this mailbox (which need not exist); none: no quota.
    virtual Task<Result<std::vector<QuotaRoot>>> quota(std::string name);
    /// The Error that append() would give a message of this size (5.2.2, 5.2.3), if any.
    virtual Task<Result<void>> has_room(std::string name, std::uint64_t size);
    /// Permanent Error 5.7.1 without the right `a`, 5.1.1 for a mailbox that is not there or that
    /// the user must not know of (RFC 4314 section 6); 5.3.3 where there are no lists.
    virtual Task<Result<std::vector<AclEntry>>> acl(std::string name);
    /// Replacing with no rights removes the entry (DELETEACL).
    virtual Task<Result<void>> set_acl(std::string name, AclEntry entry, AclChange change);
    /// Of the user whose Store this is, on this mailbox.
    virtual Task<Result<std::string>> my_rights(std::string name);
    virtual std::vector<Namespace> namespaces() const;
};

struct Options {
    char separator = '.';  ///< between the levels of a mailbox name, as clients see it
    std::string hostname;  ///< part of the names of new files
    unsigned dir_mode = 0700;
    unsigned file_mode = 0600;
    std::string user;  ///< whose Store it is
    std::string home;
    /// What main.cf and the user's entry say of the mailboxes (store::Settings), "name=value";
    /// of two with the same name the last counts.
    std::vector<std::string> settings;
    /// Hears the command of a quota_warning when its threshold is crossed; in any thread.
    std::function<void(const std::string&)> quota_warning;
};

/// Delivery into INBOX for a process without a loop, as the user who it is: everything blocks.
/// `location` as in open_store().
struct Delivered {
    Appended appended;
    std::uint64_t flush_domain = 0;  ///< Durability::later: see lib/store/flush.h
};
Result<Delivered> deliver_blocking(const std::string& location, const Options& options,
                                   NewMessage message);

Result<void> has_room_blocking(const std::string& location, const Options& options,
                               std::uint64_t size);

/// `location` as Dovecot's mail_location, expanded: "maildir:/home/u/Maildir".  Makes the INBOX
/// when there is none.  Blocking work goes to `workers`, which must outlive the Store.
Task<Result<std::unique_ptr<Store>>> open_store(std::string location, Options options,
                                                WorkerPool& workers);

/// The folder that holds all of a store, for the sandbox of a process that serves no other.
Result<std::string> folder_of(std::string_view location);
/// Makes it when it is missing, as open_store() would: a sandbox needs something to open.
Result<void> make_folder_of(std::string_view location, const Options& options);

}  // namespace facteur::store
