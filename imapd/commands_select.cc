// Which mailbox is selected: RFC 3501 sections 6.3.1, 6.3.2 and 6.4.2, RFC 3691, RFC 7162.

#include <algorithm>

#include "imapd/session.h"
#include "imapd/store_terms.h"
#include "lib/event/yield.h"

namespace facteur::imapd {

namespace {

/// The others' turn after so many messages.
constexpr std::uint32_t kScanTurn = 4096;

}  // namespace

// RFC 7162 section 3.1: from its first use of the extension on, the client hears of mod-sequences.
void Session::enable_condstore() {
    if (condstore_) return;
    condstore_ = true;
    if (!mailbox_) return;
    out_.put("* OK [HIGHESTMODSEQ " + std::to_string(told_modseq(mailbox_->highest_modseq())) +
             "] Highest\r\n");
}

// RFC 7162 section 3.2.11: responses after this belong to the new mailbox.
Task<void> Session::leave() {
    saved_.clear();
    contexts_.clear();
    touched_.clear();
    if (!mailbox_) co_return;
    co_await mailbox_->close();
    mailbox_.reset();
    out_.put("* OK [CLOSED] Previous mailbox closed.\r\n");
}

Task<Reply> Session::do_select(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    auto parameters = imap::parse_select_parameters(command.arguments);
    if (!parameters) co_return bad(parameters.error());
    // RFC 7162 section 3.2.5: only for who enabled it.
    if (parameters->resync && !qresync_) co_return bad("QRESYNC is not enabled.");
    if (uid_only_ && parameters->resync && parameters->resync->match_sequences) {
        co_return uid_required();
    }
    // A failure too leaves no mailbox selected.
    co_await leave();
    if (!name->is_valid) co_return no("[CANNOT] Mailbox name is not valid modified UTF-7.");
    bool read_only = command.name == "EXAMINE";
    auto opened = co_await store_.open(name->utf8, read_only);
    if (!opened) co_return refused(opened.error());
    condstore_ |= parameters->condstore;
    mailbox_ = *std::move(opened);
    tell_selected();
    if (parameters->resync) co_await resync(*parameters->resync);
    co_return ok(mailbox_->read_only() ? "[READ-ONLY] " + command.name + " completed."
                                       : "[READ-WRITE] " + command.name + " completed.");
}

void Session::tell_selected() {
    tell_flags();
    std::uint32_t size = mailbox_->size();
    tell_count();
    // RFC 9051 appendix E, RFC 9586 section 3.4: without [UNSEEN]; the former with the name as LIST
    // tells it.
    if (rev2_) out_.put(list_line("LIST", "", mailbox_->name()));
    for (std::uint32_t sequence = 1; !rev2_ && !uid_only_ && sequence <= size; ++sequence) {
        if (mailbox_->message(sequence).flags & store::seen) continue;
        out_.put("* OK [UNSEEN " + std::to_string(sequence) + "] First unseen.\r\n");
        break;
    }
    out_.put("* OK [UIDVALIDITY " + std::to_string(mailbox_->uid_validity()) +
             "] UIDs valid\r\n* OK [UIDNEXT " + std::to_string(mailbox_->uid_next()) +
             "] Predicted next UID\r\n* OK [HIGHESTMODSEQ " +
             std::to_string(told_modseq(mailbox_->highest_modseq())) + "] Highest\r\n");
    // RFC 8474 section 4.2
    out_.put("* OK [MAILBOXID (" + mailbox_->id() + ")] Its name may change\r\n");
}

// RFC 9051 appendix E: RECENT is no more.
void Session::tell_count() {
    out_.put("* " + std::to_string(mailbox_->size()) + " EXISTS\r\n");
    if (!rev2_) out_.put("* " + std::to_string(mailbox_->recent()) + " RECENT\r\n");
}

namespace {

std::vector<std::uint32_t> numbers(const std::optional<imap::SequenceSet>& set, std::size_t limit) {
    std::vector<std::uint32_t> all;
    if (!set) return all;
    for (const imap::Range& range : set->resolve(0)) {
        for (std::uint64_t n = range.first; n <= range.last && all.size() < limit; ++n)
            all.push_back(static_cast<std::uint32_t>(n));
    }
    return all;
}

/// RFC 7162 section 3.2.5.2: up to this UID the client's numbers are ours, so nothing below it went
/// that the client does not know of.
std::uint32_t agreed_uid(const store::Mailbox& mailbox, const imap::Resync& known) {
    std::vector<std::uint32_t> sequences = numbers(known.match_sequences, mailbox.size());
    std::vector<std::uint32_t> uids = numbers(known.match_uids, mailbox.size());
    std::uint32_t agreed = 0;
    for (std::size_t i = 0; i < std::min(sequences.size(), uids.size()); ++i) {
        if (sequences[i] > mailbox.size() || mailbox.uid(sequences[i]) != uids[i]) break;
        agreed = uids[i];
    }
    return agreed;
}

}  // namespace

// RFC 7162 section 3.2.5.1.  The index does not keep what was expunged for ever, so all known UIDs
// that are gone are told, which section 3.2.6 allows; an unchanged mailbox has nothing to tell.
Task<void> Session::resync(const imap::Resync& known) {
    if (known.uid_validity != mailbox_->uid_validity()) co_return;
    if (known.modseq >= mailbox_->highest_modseq()) co_return;
    std::uint32_t last = mailbox_->uid_next() - 1;
    std::uint32_t first = agreed_uid(*mailbox_, known) + 1;
    imap::Ranges wanted;
    if (known.known_uids) {
        wanted = known.known_uids->resolve(0);
    } else if (last > 0) {
        wanted.push_back(imap::Range{1, last});
    }
    imap::Ranges clipped;
    for (const imap::Range& range : wanted) {
        imap::Range part{std::max(range.first, first), std::min(range.last, last)};
        if (part.first <= part.last) clipped.push_back(part);
    }
    std::vector<std::uint32_t> uids;
    std::vector<std::uint32_t> changed;
    for (std::uint32_t n = 1; n <= mailbox_->size(); ++n) {
        store::Message message = mailbox_->message(n);
        uids.push_back(message.uid);
        if (message.modseq > known.modseq && imap::contains(wanted, message.uid)) {
            changed.push_back(n);
        }
        if (n % kScanTurn == 0) co_await Yield();
    }
    imap::Ranges gone = imap::without(clipped, uids);
    if (!gone.empty()) out_.put("* VANISHED (EARLIER) " + imap::ranges_text(gone) + "\r\n");
    for (std::uint32_t sequence : changed) {
        tell_message_flags(sequence, true);
        co_await out_.room();
    }
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
    contexts_.clear();
    co_return reply;
}

// RFC 3691 section 2
Task<Reply> Session::do_unselect(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    co_await mailbox_->close();
    mailbox_.reset();
    contexts_.clear();
    co_return ok("Unselect completed.");
}

}  // namespace facteur::imapd
