// Responses that nobody asked for: RFC 3501 sections 7.2.6, 7.3 and 7.4.

#include <algorithm>

#include "imapd/notifications.h"
#include "imapd/session.h"
#include "imapd/store_terms.h"
#include "lib/base/log.h"
#include "lib/imap/flags.h"

namespace facteur::imapd {

void Session::append_message_flags(std::string& out, const store::Message& message) const {
    store::Message told = message;
    told.recent &= !rev2_;
    imap::append_flags(out, to_imap_flags(told), keywords_of(told, mailbox_->keywords()));
}

// RFC 7162 sections 3.1 and 3.2.4
void Session::tell_message_flags(std::uint32_t sequence, bool with_uid, bool with_flags) {
    store::Message message = mailbox_->message(sequence);
    // Another session may have expunged it since sync() found the change.
    if (message.expunged) return;
    // RFC 9586 section 3.3
    std::string line = uid_only_ ? "* " + std::to_string(message.uid) + " UIDFETCH ("
                                 : "* " + std::to_string(sequence) + " FETCH (";
    if ((with_uid || qresync_) && !uid_only_) line += "UID " + std::to_string(message.uid) + " ";
    if (with_flags) {
        line += "FLAGS ";
        append_message_flags(line, message);
        line += ' ';
    }
    if (condstore_) line += "MODSEQ (" + std::to_string(told_modseq(message.modseq)) + ") ";
    line.back() = ')';
    line += "\r\n";
    out_.put(line);
}

// RFC 3501 sections 7.2.6 and 7.1 (PERMANENTFLAGS): "\*" while there is room for new keywords.
void Session::tell_flags() {
    constexpr std::uint8_t kAll =
        imap::answered | imap::flagged | imap::deleted | imap::seen | imap::draft;
    std::vector<std::string> keywords = mailbox_->keywords();
    told_keywords_ = keywords.size();
    std::string line = "* FLAGS ";
    imap::append_flags(line, kAll, keywords);
    line += "\r\n* OK [PERMANENTFLAGS ";
    if (mailbox_->read_only()) {
        line += "()] Read-only mailbox.\r\n";
    } else {
        if (keywords.size() < store::kMaxKeywords) keywords.emplace_back("\\*");
        imap::append_flags(line, kAll, keywords);
        line += "] Flags permitted.\r\n";
    }
    out_.put(line);
}

// RFC 7162 section 3.2.10, RFC 9586 section 3.5: VANISHED for those who asked for it, EXPUNGE for
// all others.
Task<void> Session::tell_expunged(const store::Changes& changes) {
    if ((qresync_ || uid_only_) && !changes.expunged_uids.empty()) {
        std::vector<std::uint32_t> uids = changes.expunged_uids;
        std::sort(uids.begin(), uids.end());
        out_.put("* VANISHED " + imap::to_text(uids) + "\r\n");
        co_return;
    }
    for (std::uint32_t sequence : changes.expunged) {
        out_.put("* " + std::to_string(sequence) + " EXPUNGE\r\n");
        co_await out_.room();
    }
}

// RFC 5267 section 4.3.3: with the numbers that the client knows, before the expunges.
void Session::take_expunged(SearchContext& context, const std::vector<std::uint32_t>& gone,
                            const store::Changes& changes) {
    std::vector<std::uint32_t> numbers;
    std::string pairs;
    for (std::size_t at = context.uids.size(); at-- > 0;) {
        std::uint32_t uid = context.uids[at];
        if (!std::binary_search(gone.begin(), gone.end(), uid)) continue;
        // expunged_uids ascend, expunged descends: both tell the same messages.
        auto place = std::lower_bound(gone.begin(), gone.end(), uid) - gone.begin();
        std::uint32_t sequence =
            changes.expunged[gone.size() - 1 - static_cast<std::size_t>(place)];
        std::uint32_t number = context.by_uid ? uid : sequence;
        numbers.push_back(number);
        if (!pairs.empty()) pairs += ' ';
        pairs += std::to_string(at + 1) + " " + std::to_string(number);
    }
    if (numbers.empty()) return;
    std::erase_if(context.uids, [&](std::uint32_t uid) {
        return std::binary_search(gone.begin(), gone.end(), uid);
    });
    std::sort(numbers.begin(), numbers.end());
    if (context.keys.empty()) pairs = "0 " + imap::to_text(numbers);
    out_.put("* ESEARCH (TAG \"" + context.tag + "\")" + (context.by_uid ? " UID" : "") +
             " REMOVEFROM (" + pairs + ")\r\n");
}

Task<void> Session::tell_changes(bool expunges) {
    std::uint32_t size = mailbox_->size();
    auto changes = co_await mailbox_->sync(expunges);
    if (!changes) {
        log_error("cannot read mailbox " + mailbox_->name() + ": " + changes.error().text);
        co_return;
    }
    if (changes->gone) {
        bye("Mailbox was deleted or rebuilt.", "Selected mailbox went away");
        co_return;
    }
    std::vector<std::uint32_t> gone = changes->expunged_uids;
    std::sort(gone.begin(), gone.end());
    for (SearchContext& context : contexts_)
        take_expunged(context, gone, *changes);
    co_await tell_expunged(*changes);
    if (changes->exists) tell_count();
    std::uint32_t first_new = size - static_cast<std::uint32_t>(changes->expunged.size()) + 1;
    bool tells_items = changes->exists && notify_ && !notify_->items_of_new().empty();
    if (tells_items) {
        co_await tell_new_items(first_new);
    }
    if (changes->keywords || told_keywords_ != mailbox_->keywords().size()) tell_flags();
    bool tells_flags = !notify_ || (notify_->selected_events() & imap::flag_change);
    for (std::uint32_t sequence : changes->flags) {
        if (!tells_flags) break;
        tell_message_flags(sequence, notify_ != nullptr);
        co_await out_.room();
    }
    if (contexts_.empty()) co_return;
    std::vector<std::uint32_t> touched = changes->flags;
    for (std::uint32_t uid : std::exchange(touched_, {})) {
        std::uint32_t sequence = mailbox_->sequence_from(uid);
        bool is_there = sequence <= mailbox_->size() && mailbox_->uid(sequence) == uid;
        if (is_there) touched.push_back(sequence);
    }
    for (std::uint32_t n = first_new; n <= mailbox_->size(); ++n)
        touched.push_back(n);
    std::sort(touched.begin(), touched.end());
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    if (!touched.empty()) co_await update_contexts(std::move(touched), first_new);
}

}  // namespace facteur::imapd
