// Responses that nobody asked for: RFC 3501 sections 7.2.6, 7.3 and 7.4.

#include <algorithm>

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

Task<void> Session::tell_changes(bool expunges) {
    auto changes = co_await mailbox_->sync(expunges);
    if (!changes) {
        log_error("cannot read mailbox " + mailbox_->name() + ": " + changes.error().text);
        co_return;
    }
    if (changes->gone) {
        bye("Mailbox was deleted or rebuilt.", "Selected mailbox went away");
        co_return;
    }
    co_await tell_expunged(*changes);
    if (changes->exists) {
        tell_count();
    }
    if (changes->keywords || told_keywords_ != mailbox_->keywords().size()) tell_flags();
    for (std::uint32_t sequence : changes->flags) {
        tell_message_flags(sequence, false);
        co_await out_.room();
    }
}

}  // namespace facteur::imapd
