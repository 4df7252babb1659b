// Commands on messages: RFC 3501 section 6.4, UIDPLUS, MOVE.

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
    std::vector<std::uint32_t> sequences;
    std::uint32_t size = mailbox_->size();
    if (!command.by_uid) {
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

// RFC 3501 section 6.4.1
Task<Reply> Session::do_check(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    co_return ok("Check completed.");
}

// RFC 3501 section 6.4.2: expunges without telling.
Task<Reply> Session::do_close(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    Reply reply = ok("Close completed.");
    if (!mailbox_->read_only()) {
        auto expunged = co_await mailbox_->expunge(std::nullopt);
        if (!expunged) reply = refused(expunged.error());
    }
    co_await mailbox_->close();
    mailbox_.reset();
    co_return reply;
}

// RFC 3691 section 2
Task<Reply> Session::do_unselect(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    co_await mailbox_->close();
    mailbox_.reset();
    co_return ok("Unselect completed.");
}

// RFC 3501 section 6.4.3, RFC 4315 section 2.1; sync() tells which ones went.
Task<Reply> Session::do_expunge(Command& command) {
    std::optional<std::vector<std::uint32_t>> uids;
    if (command.by_uid) {
        auto sequences = message_set(command);
        if (!sequences) co_return bad(sequences.error());
        uids = uids_of(*sequences);
    }
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (mailbox_->read_only()) co_return no(kReadOnly);
    auto expunged = co_await mailbox_->expunge(std::move(uids));
    if (!expunged) co_return refused(expunged.error());
    co_return ok("Expunge completed.");
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
    auto copied = co_await mailbox_->copy(uids_of(*sequences), name->utf8);
    if (!copied) co_return refused(target_error(copied.error()));
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
    auto moved = co_await mailbox_->move(uids_of(*sequences), name->utf8);
    if (!moved) co_return refused(target_error(moved.error()));
    out_.put("* OK " + copy_uid(*moved) + "Moved UIDs.\r\n");
    co_return ok("Move completed.");
}

// RFC 3501 section 6.4.6
Task<Reply> Session::do_store(Command& command) {
    auto sequences = message_set(command);
    if (!sequences) co_return bad(sequences.error());
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto arguments = imap::parse_store(command.arguments);
    if (!arguments) co_return bad(arguments.error());
    if (mailbox_->read_only()) co_return no(kReadOnly);
    if (sequences->empty()) co_return ok("Store completed.");
    using Mode = imap::StoreArguments::Mode;
    store::FlagChange change;
    change.mode = store::FlagChange::Mode::replace;
    if (arguments->mode == Mode::add) change.mode = store::FlagChange::Mode::add;
    if (arguments->mode == Mode::remove) change.mode = store::FlagChange::Mode::remove;
    change.flags = to_store_flags(arguments->flags.system);
    change.keywords = std::move(arguments->flags.keywords);
    auto stored = co_await mailbox_->store(uids_of(*sequences), std::move(change));
    if (!stored) co_return refused(stored.error());
    // New keywords are told before the messages that have them (RFC 3501 section 7.2.6).
    if (told_keywords_ != mailbox_->keywords().size()) tell_flags();
    bool is_missing = false;
    for (std::uint32_t sequence : *sequences) {
        if (mailbox_->message(sequence).expunged) {
            is_missing = true;
        } else if (!arguments->silent) {
            tell_message_flags(sequence, command.by_uid);
            co_await out_.room();
        }
    }
    if (is_missing) co_return no("[EXPUNGEISSUED] Some of the messages no longer exist.");
    co_return ok("Store completed.");
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
    co_return true;
}

// RFC 3501 section 6.4.5
Task<Reply> Session::do_fetch(Command& command) {
    auto sequences = message_set(command);
    if (!sequences) co_return bad(sequences.error());
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto items = imap::parse_fetch_items(command.arguments,
                                         static_cast<std::size_t>(settings_.fetch_item_limit()));
    if (!items) co_return bad(items.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    Fetch fetch(*mailbox_, out_, *std::move(items), command.by_uid);
    constexpr std::size_t kBatch = 64;  // messages whose \Seen is written in one go
    std::vector<std::uint32_t> batch;
    for (std::size_t at = 0; at < sequences->size(); at += batch.size()) {
        std::size_t end = std::min(sequences->size(), at + kBatch);
        batch.assign(sequences->begin() + static_cast<std::ptrdiff_t>(at),
                     sequences->begin() + static_cast<std::ptrdiff_t>(end));
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
    if (fetch.is_missing()) {
        co_return no("[EXPUNGEISSUED] Some of the requested messages no longer exist.");
    }
    co_return ok("Fetch completed.");
}

// RFC 3501 section 6.4.4
Task<Reply> Session::do_search(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    imap::SearchLimits limits;
    limits.depth = static_cast<std::size_t>(settings_.search_depth_limit());
    limits.keys = static_cast<std::size_t>(settings_.search_key_limit());
    auto program = imap::parse_search(command.arguments, limits);
    if (!program) co_return bad(program.error());
    auto query = compile(*program, *mailbox_);
    if (!query) co_return no("[BADCHARSET (US-ASCII UTF-8 ISO-8859-1)] Unknown charset.");
    Search search(*mailbox_, workers_, stream_.scope(), *std::move(query));
    auto found = co_await search.run();
    if (!found) co_return refused(found.error());
    std::string line = "* SEARCH";
    for (std::uint32_t sequence : *found) {
        line += ' ';
        line += std::to_string(command.by_uid ? mailbox_->uid(sequence) : sequence);
    }
    line += "\r\n";
    out_.put(line);
    co_return ok("Search completed.");
}

}  // namespace facteur::imapd
