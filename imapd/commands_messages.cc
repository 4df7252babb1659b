// Commands on messages: RFC 3501 section 6.4, UIDPLUS, MOVE; RFC 9738.

#include <algorithm>

#include "imapd/fetch.h"
#include "imapd/search.h"
#include "imapd/session.h"
#include "imapd/store_terms.h"
#include "lib/base/text.h"
#include "lib/event/yield.h"

namespace facteur::imapd {

namespace {

const char* const kReadOnly = "[READ-ONLY] Mailbox is read-only.";

bool asks_modseq(const std::vector<imap::FetchItem>& items) {
    return std::any_of(items.begin(), items.end(), [](const imap::FetchItem& item) {
        return item.kind == imap::FetchItem::Kind::modseq;
    });
}

void add_modseq(std::vector<imap::FetchItem>& items) {
    if (asks_modseq(items)) return;
    imap::FetchItem item;
    item.kind = imap::FetchItem::Kind::modseq;
    items.push_back(item);
}

// RFC 4315 section 3; nothing was copied when there was nothing to copy.
std::string copy_uid(const store::CopyOutcome& copied) {
    if (copied.source.empty()) return std::string();
    return "[COPYUID " + std::to_string(copied.uid_validity) + " " + imap::to_text(copied.source) +
           " " + imap::to_text(copied.target) + "] ";
}

}  // namespace

Result<std::vector<std::uint32_t>> Session::message_set(Command& command) const {
    TRY_VOID(command.arguments.sp());
    TRY(imap::SequenceSet set, command.arguments.sequence_set());
    return resolve(set, command.by_uid);
}

Result<std::vector<std::uint32_t>> Session::resolve(const imap::SequenceSet& set,
                                                    bool by_uid) const {
    std::vector<std::uint32_t> sequences;
    std::uint32_t size = mailbox_->size();
    // RFC 5182 section 2.1: what was expunged since is no longer in it, and it may be empty.
    if (set.is_saved_result()) {
        for (std::uint32_t uid : saved_) {
            std::uint32_t n = mailbox_->sequence_from(uid);
            if (n <= size && mailbox_->uid(n) == uid) sequences.push_back(n);
        }
        return sequences;
    }
    if (!by_uid) {
        for (const imap::Range& range : set.resolve(size)) {
            // RFC 3501 section 9: a number that no message has is the client's error.
            if (range.last > size) return permanent("Invalid messageset", "5.5.2");
            for (std::uint32_t n = range.first; n <= range.last; ++n)
                sequences.push_back(n);
        }
        if (sequences.empty()) return permanent("Invalid messageset", "5.5.2");
        return sequences;
    }
    if (size == 0) return sequences;
    // RFC 3501 section 6.4.8: UIDs that no message has are ignored.
    for (const imap::Range& range : set.resolve(mailbox_->uid(size))) {
        for (std::uint32_t n = mailbox_->sequence_from(range.first);
             n <= size && mailbox_->uid(n) <= range.last; ++n) {
            sequences.push_back(n);
        }
    }
    return sequences;
}

std::vector<std::uint32_t> Session::uids_of(const std::vector<std::uint32_t>& sequences) const {
    std::vector<std::uint32_t> uids;
    uids.reserve(sequences.size());
    for (std::uint32_t sequence : sequences)
        uids.push_back(mailbox_->uid(sequence));
    return uids;
}

std::uint32_t Session::message_limit() const {
    int limit = settings_.message_limit();
    return limit > 0 ? static_cast<std::uint32_t>(limit) : UINT32_MAX;
}

std::string Session::keep_last(std::vector<std::uint32_t>& sequences) const {
    std::size_t limit = message_limit();
    if (sequences.size() <= limit) return std::string();
    sequences.erase(sequences.begin(), sequences.end() - static_cast<std::ptrdiff_t>(limit));
    return "[MESSAGELIMIT " + std::to_string(limit) + " " +
           std::to_string(mailbox_->uid(sequences.front())) + "] ";
}

// RFC 3501 section 6.4.1
Task<Reply> Session::do_check(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    co_return ok("Check completed.");
}

// RFC 7162 sections 3.2.4 and 3.2.7: with what was expunged the client may forget everything below.
std::string Session::highest_modseq_code() const {
    if (!condstore_ || !mailbox_) return std::string();
    return "[HIGHESTMODSEQ " + std::to_string(told_modseq(mailbox_->highest_modseq())) + "] ";
}

// RFC 3501 section 6.4.3, RFC 4315 section 2.1; sync() tells which ones went.
Task<Reply> Session::do_expunge(Command& command) {
    std::optional<std::vector<std::uint32_t>> uids;
    std::string limited;
    if (command.by_uid) {
        auto sequences = message_set(command);
        if (!sequences) co_return bad(sequences.error());
        limited = keep_last(*sequences);
        uids = uids_of(*sequences);
    }
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (mailbox_->read_only()) co_return no(kReadOnly);
    auto expunged = co_await mailbox_->expunge(std::move(uids));
    if (!expunged) co_return refused(expunged.error());
    if (expunged->empty()) co_return ok(limited + "Expunge completed.");
    co_await tell_changes(true);
    co_return ok((limited.empty() ? highest_modseq_code() : limited) + "Expunge completed.");
}

// RFC 3501 section 6.4.7
Task<Reply> Session::do_copy(Command& command) {
    auto sequences = message_set(command);
    if (!sequences) co_return bad(sequences.error());
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return no("[CANNOT] Mailbox name is not valid modified UTF-7.");
    if (sequences->empty()) co_return ok("No messages found.");
    std::string limited = keep_last(*sequences);
    auto copied = co_await mailbox_->copy(uids_of(*sequences), name->utf8);
    if (!copied) co_return refused(target_error(copied.error()));
    if (!limited.empty()) {
        out_.put("* OK " + copy_uid(*copied) + "Copied UIDs.\r\n");
        co_return ok(limited + "Copy completed.");
    }
    co_return ok(copy_uid(*copied) + "Copy completed.");
}

// RFC 6851 section 4.3: COPYUID comes before the EXPUNGE responses, thus untagged.
Task<Reply> Session::do_move(Command& command) {
    auto sequences = message_set(command);
    if (!sequences) co_return bad(sequences.error());
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return no("[CANNOT] Mailbox name is not valid modified UTF-7.");
    if (mailbox_->read_only()) co_return no(kReadOnly);
    if (sequences->empty()) co_return ok("No messages found.");
    std::string limited = keep_last(*sequences);
    auto moved = co_await mailbox_->move(uids_of(*sequences), name->utf8);
    if (!moved) co_return refused(target_error(moved.error()));
    out_.put("* OK " + copy_uid(*moved) + "Moved UIDs.\r\n");
    co_await tell_changes(true);
    co_return ok((limited.empty() ? highest_modseq_code() : limited) + "Move completed.");
}

std::string Session::numbers_text(const std::vector<std::uint32_t>& uids, bool by_uid) const {
    if (by_uid) return imap::to_text(uids);
    std::vector<std::uint32_t> sequences;
    for (std::uint32_t uid : uids)
        sequences.push_back(mailbox_->sequence_from(uid));
    return imap::to_text(sequences);
}

Task<void> Session::tell_stored(const std::vector<std::uint32_t>& sequences, bool silent,
                                bool by_uid) {
    // New keywords are told before the messages that have them (RFC 3501 section 7.2.6).
    if (told_keywords_ != mailbox_->keywords().size()) tell_flags();
    // RFC 7162 section 3.1.3: the new mod-sequence even when the flags are not asked for.
    if (silent && !condstore_) co_return;
    for (std::uint32_t sequence : sequences) {
        if (mailbox_->message(sequence).expunged) continue;
        tell_message_flags(sequence, by_uid, !silent);
        co_await out_.room();
    }
}

// RFC 3501 section 6.4.6, RFC 7162 section 3.1.3
Task<Reply> Session::do_store(Command& command) {
    auto sequences = message_set(command);
    if (!sequences) co_return bad(sequences.error());
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto arguments = imap::parse_store(command.arguments);
    if (!arguments) co_return bad(arguments.error());
    if (arguments->unchanged_since) enable_condstore();
    if (mailbox_->read_only()) co_return no(kReadOnly);
    if (sequences->empty()) co_return ok("Store completed.");
    std::string limited = keep_last(*sequences);
    using Mode = imap::StoreArguments::Mode;
    store::FlagChange change;
    change.mode = store::FlagChange::Mode::replace;
    if (arguments->mode == Mode::add) change.mode = store::FlagChange::Mode::add;
    if (arguments->mode == Mode::remove) change.mode = store::FlagChange::Mode::remove;
    change.flags = to_store_flags(arguments->flags.system);
    change.keywords = std::move(arguments->flags.keywords);
    change.unchanged_since = arguments->unchanged_since;
    auto stored = co_await mailbox_->store(uids_of(*sequences), std::move(change));
    if (!stored) co_return refused(stored.error());
    note_touched(stored->changed);
    std::vector<std::uint32_t>& modified = stored->modified;
    std::sort(modified.begin(), modified.end());
    std::size_t asked = sequences->size();
    std::erase_if(*sequences,
                  [&](std::uint32_t sequence) { return mailbox_->message(sequence).expunged; });
    bool is_missing = sequences->size() != asked;
    std::erase_if(*sequences, [&](std::uint32_t sequence) {
        return std::binary_search(modified.begin(), modified.end(), mailbox_->uid(sequence));
    });
    co_await tell_stored(*sequences, arguments->silent, command.by_uid);
    if (!modified.empty()) {
        if (!limited.empty()) out_.put("* OK " + limited + "Only the last messages.\r\n");
        co_return ok("[MODIFIED " + numbers_text(modified, command.by_uid) +
                     "] Conditional STORE failed for some of the messages.");
    }
    if (is_missing) co_return no("[EXPUNGEISSUED] Some of the messages no longer exist.");
    co_return ok(limited + "Store completed.");
}

void Session::note_touched(const std::vector<std::uint32_t>& uids) {
    if (contexts_.empty()) return;
    touched_.insert(touched_.end(), uids.begin(), uids.end());
    // Under NOTIFY without SELECTED nothing takes them out: no more than there are messages.
    if (touched_.size() <= mailbox_->size()) return;
    std::sort(touched_.begin(), touched_.end());
    touched_.erase(std::unique(touched_.begin(), touched_.end()), touched_.end());
}

/// True when flags changed, so that the answers tell them.
Task<Result<bool>> Session::mark_seen(const std::vector<std::uint32_t>& sequences) {
    std::vector<std::uint32_t> unseen;
    for (std::uint32_t sequence : sequences) {
        store::Message message = mailbox_->message(sequence);
        if (!message.expunged && !(message.flags & store::seen)) unseen.push_back(message.uid);
    }
    if (unseen.empty()) co_return false;
    store::FlagChange change;
    change.flags = store::seen;
    auto stored = co_await mailbox_->store(std::move(unseen), std::move(change));
    if (!stored) co_return std::unexpected(stored.error());
    note_touched(stored->changed);
    co_return true;
}

// RFC 7162 section 3.2.6: which of the UIDs that the client asks about are gone.
Task<void> Session::tell_vanished(const imap::SequenceSet& set) {
    std::vector<std::uint32_t> uids;
    for (std::uint32_t n = 1; n <= mailbox_->size(); ++n)
        uids.push_back(mailbox_->uid(n));
    std::uint32_t last = mailbox_->uid_next() - 1;
    imap::Ranges known = set.resolve(uids.empty() ? last : uids.back());
    for (imap::Range& range : known)
        range.last = std::min(range.last, last);
    std::erase_if(known, [](const imap::Range& range) { return range.first > range.last; });
    imap::Ranges gone = imap::without(known, uids);
    if (gone.empty()) co_return;
    out_.put("* VANISHED (EARLIER) " + imap::ranges_text(gone) + "\r\n");
    co_await out_.room();
}

// RFC 7162 section 3.1.4: only what changed.
void Session::keep_changed(std::vector<std::uint32_t>& sequences, std::uint64_t since) const {
    std::erase_if(sequences, [&](std::uint32_t sequence) {
        return mailbox_->message(sequence).modseq <= since;
    });
}

// RFC 3501 section 6.4.5, RFC 7162 sections 3.1.4 and 3.2.6
Task<Reply> Session::do_fetch(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto set = command.arguments.sequence_set();
    if (!set) co_return bad(set.error());
    auto sequences = resolve(*set, command.by_uid);
    if (!sequences) co_return bad(sequences.error());
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto items = imap::parse_fetch_items(command.arguments,
                                         static_cast<std::size_t>(settings_.fetch_item_limit()));
    if (!items) co_return bad(items.error());
    auto modifiers = imap::parse_fetch_modifiers(command.arguments);
    if (!modifiers) co_return bad(modifiers.error());
    if (modifiers->vanished && (!qresync_ || !command.by_uid)) {
        co_return bad("VANISHED is for UID FETCH after ENABLE QRESYNC.");
    }
    // RFC 9394 section 3.3
    if (modifiers->partial && !command.by_uid) co_return bad("PARTIAL is for UID FETCH.");
    if (modifiers->changed_since) {
        add_modseq(*items);
        keep_changed(*sequences, *modifiers->changed_since);
    }
    if (modifiers->partial) sequences = imap::window(*modifiers->partial, *sequences);
    if (asks_modseq(*items)) enable_condstore();
    if (modifiers->vanished) co_await tell_vanished(*set);
    std::string limited = keep_last(*sequences);
    Reply reply = co_await fetch(*sequences, *std::move(items), command.by_uid);
    if (reply.kind == Reply::Kind::ok) reply.text = limited + reply.text;
    co_return reply;
}

Task<Reply> Session::fetch(const std::vector<std::uint32_t>& sequences,
                           std::vector<imap::FetchItem> items, bool by_uid) {
    FetchForm form;
    form.with_uid = by_uid;
    form.seen_with_modseq = condstore_;
    form.seen_with_uid = qresync_;
    form.without_recent = rev2_;
    form.uid_only = uid_only_;
    Fetch fetch(*mailbox_, out_, workers_, std::move(items), form);
    constexpr std::size_t kBatch = 64;  // messages whose \Seen is written in one go
    std::vector<std::uint32_t> batch;
    for (std::size_t at = 0; at < sequences.size(); at += batch.size()) {
        std::size_t end = std::min(sequences.size(), at + kBatch);
        batch.assign(sequences.begin() + static_cast<std::ptrdiff_t>(at),
                     sequences.begin() + static_cast<std::ptrdiff_t>(end));
        bool has_marked = false;
        if (fetch.sets_seen() && !mailbox_->read_only()) {
            auto marked = co_await mark_seen(batch);
            if (!marked) co_return refused(marked.error());
            has_marked = *marked;
        }
        auto sent = co_await fetch.send(batch, has_marked);
        if (!sent) co_return refused(sent.error());
        co_await Yield();
    }
    if (fetch.has_unknown_encoding()) co_return no("[UNKNOWN-CTE] Unknown transfer encoding.");
    if (fetch.is_missing()) {
        co_return no("[EXPUNGEISSUED] Some of the requested messages no longer exist.");
    }
    co_return ok("Fetch completed.");
}

}  // namespace facteur::imapd
