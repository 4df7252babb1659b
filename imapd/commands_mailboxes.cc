// Commands on mailboxes as wholes: RFC 3501 sections 6.3.3 to 6.3.7, RFC 6154 section 3.

#include <algorithm>

#include "imapd/session.h"
#include "lib/base/text.h"
#include "lib/imap/response.h"
#include "lib/mime/utf7.h"

namespace facteur::imapd {

namespace {

constexpr std::size_t kMostUses = 10;  // of a mailbox that was just made

Reply invalid_name() {
    return no("[CANNOT] Mailbox name is not valid modified UTF-7.");
}

// RFC 6855 section 3, RFC 5198 section 2: no control characters in names.
bool has_control(const std::string& text) {
    return std::any_of(text.begin(), text.end(),
                       [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

Result<Session::Name> Session::mailbox_name(Command& command) const {
    TRY_VOID(command.arguments.sp());
    TRY(std::string wire, command.arguments.astring());
    Name name;
    auto utf8 = utf8_name(wire);
    name.is_valid = utf8.has_value();
    if (utf8) name.utf8 = *std::move(utf8);
    return name;
}

std::optional<std::string> Session::utf8_name(const std::string& wire) const {
    auto utf8 = utf8_ ? std::optional<std::string>(wire) : mime::utf7_to_utf8(wire);
    if (utf8_ && (!mime::is_utf8(wire) || has_control(wire))) utf8.reset();
    if (utf8 && iequals(*utf8, "INBOX")) utf8 = "INBOX";
    return utf8;
}

std::string Session::wire_name(const std::string& utf8) const {
    if (utf8_) return utf8;
    // What is not UTF-8 on disk has no name on the wire.
    return mime::utf8_to_utf7(utf8).value_or(std::string());
}

void Session::append_name(std::string& out, const std::string& utf8) const {
    bool is_ascii = std::all_of(utf8.begin(), utf8.end(), [](char c) { return c > 0; });
    if (!utf8_ || is_ascii) {
        imap::append_astring(out, wire_name(utf8));
        return;
    }
    // RFC 6855 section 3: quoted, in UTF-8.
    out += '"';
    for (char c : utf8) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

// RFC 3501 section 6.3.3
Task<Reply> Session::do_create(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    auto uses = imap::parse_create_use(command.arguments);
    if (!uses) co_return bad(uses.error());
    if (!name->is_valid) co_return invalid_name();
    // RFC 6154 section 3: one use, and one that mailboxes are made for.
    store::Role role = store::Role::none;
    if (!uses->empty()) role = store::role_named(uses->front());
    if (uses->size() > 1 || (!uses->empty() && !may_be_given(role))) {
        co_return no("[USEATTR] No mailbox can be made for this use.");
    }
    // A separator at the end only declares that there will be names below.
    if (name->utf8.ends_with(store_.separator())) name->utf8.pop_back();
    auto created = co_await store_.create(name->utf8);
    if (!created) co_return refused(created.error());
    note_own_name(name->utf8);
    if (role != store::Role::none) {
        store::PropertyChange use{std::string(store::kSpecialUse),
                                  std::string(store::role_name(role))};
        std::vector<store::PropertyChange> changes;
        changes.push_back(std::move(use));
        auto given = co_await store_.set_properties(name->utf8, std::move(changes), kMostUses);
        if (!given) {
            auto removed = co_await store_.remove(name->utf8);
            (void)removed;
            co_return refused(given.error());
        }
    }
    // RFC 8474 section 4.1
    auto status = co_await store_.status(name->utf8);
    if (!status) co_return ok("Create completed.");
    co_return ok("[MAILBOXID (" + status->id + ")] Create completed.");
}

// RFC 6154 section 2: \All and \Flagged are views of other mailboxes, which we do not have.
bool Session::may_be_given(store::Role role) {
    return role != store::Role::none && role != store::Role::all && role != store::Role::flagged;
}

// RFC 3501 section 6.3.4
Task<Reply> Session::do_delete(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return invalid_name();
    if (mailbox_ && mailbox_->name() == name->utf8) {
        co_await mailbox_->close();
        mailbox_.reset();
    }
    auto removed = co_await store_.remove(name->utf8);
    if (!removed) co_return refused(removed.error());
    note_own_name(name->utf8);
    co_return ok("Delete completed.");
}

/// What the selected mailbox is called after that RENAME, if it is one that changes; the messages
/// of INBOX move instead.
std::optional<std::string> Session::new_name_of_selected(const std::string& from,
                                                         const std::string& to) const {
    if (!mailbox_ || from == "INBOX") return std::nullopt;
    const std::string& name = mailbox_->name();
    if (name == from) return to;
    if (!name.starts_with(from + store_.separator())) return std::nullopt;
    return to + name.substr(from.size());
}

std::vector<std::uint32_t> Session::all_uids() const {
    std::vector<std::uint32_t> uids;
    for (std::uint32_t n = 1; n <= mailbox_->size(); ++n)
        uids.push_back(mailbox_->uid(n));
    return uids;
}

/// The mailbox under its new name; what changed meanwhile is told.
Task<void> Session::select_again(std::string name, bool read_only,
                                 std::vector<std::uint32_t> uids) {
    auto opened = co_await store_.open(std::move(name), read_only);
    if (!opened) {
        bye("Mailbox was renamed and is gone.", "Selected mailbox went away");
        co_return;
    }
    mailbox_ = *std::move(opened);
    store::Changes gone;
    for (std::size_t i = uids.size(); i-- > 0;) {
        std::uint32_t n = mailbox_->sequence_from(uids[i]);
        if (n <= mailbox_->size() && mailbox_->uid(n) == uids[i]) continue;
        gone.expunged.push_back(static_cast<std::uint32_t>(i) + 1);
        gone.expunged_uids.push_back(uids[i]);
    }
    co_await tell_expunged(gone);
    if (mailbox_->size() != uids.size() - gone.expunged.size()) tell_count();
}

// RFC 3501 section 6.3.5
Task<Reply> Session::do_rename(Command& command) {
    auto from = mailbox_name(command);
    if (!from) co_return bad(from.error());
    auto to = mailbox_name(command);
    if (!to) co_return bad(to.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!from->is_valid || !to->is_valid) co_return invalid_name();
    if (to->utf8.ends_with(store_.separator())) to->utf8.pop_back();
    std::optional<std::string> selected = new_name_of_selected(from->utf8, to->utf8);
    bool read_only = selected && mailbox_->read_only();
    std::string kept_name = selected ? mailbox_->name() : std::string();
    std::vector<std::uint32_t> uids;
    if (selected) {
        // Under its new name it is as new: nobody could tell these changes any more.
        co_await tell_news(true);
        if (ended_) co_return no("Mailbox went away.");
        uids = all_uids();
        co_await mailbox_->close();
        mailbox_.reset();
    }
    auto renamed = co_await store_.rename(from->utf8, to->utf8);
    if (renamed) kept_name = selected.value_or("");
    if (selected) co_await select_again(std::move(kept_name), read_only, std::move(uids));
    if (!renamed) co_return refused(renamed.error());
    note_own_name(from->utf8);
    note_own_name(to->utf8);
    co_return ok("Rename completed.");
}

Task<Reply> Session::subscribe(Command& command, bool on) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return invalid_name();
    auto done = co_await store_.subscribe(name->utf8, on);
    if (!done) co_return refused(done.error());
    note_own_name(name->utf8);
    co_return ok(on ? "Subscribe completed." : "Unsubscribe completed.");
}

// RFC 3501 sections 6.3.6 and 6.3.7
Task<Reply> Session::do_subscribe(Command& command) {
    Reply reply = co_await subscribe(command, true);
    co_return reply;
}

Task<Reply> Session::do_unsubscribe(Command& command) {
    Reply reply = co_await subscribe(command, false);
    co_return reply;
}

}  // namespace facteur::imapd
