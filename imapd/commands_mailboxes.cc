// Commands on mailboxes as wholes: RFC 3501 sections 6.3.3 to 6.3.10.

#include <set>

#include "imapd/session.h"
#include "imapd/store_terms.h"
#include "lib/base/text.h"
#include "lib/imap/mailbox_name.h"
#include "lib/imap/response.h"
#include "lib/mime/utf7.h"

namespace facteur::imapd {

namespace {

Reply invalid_name() {
    return no("[CANNOT] Mailbox name is not valid modified UTF-7.");
}

// RFC 6154 section 2
std::string_view role_attribute(store::Role role) {
    switch (role) {
        case store::Role::none:
            break;
        case store::Role::all:
            return "\\All";
        case store::Role::archive:
            return "\\Archive";
        case store::Role::drafts:
            return "\\Drafts";
        case store::Role::flagged:
            return "\\Flagged";
        case store::Role::junk:
            return "\\Junk";
        case store::Role::sent:
            return "\\Sent";
        case store::Role::trash:
            return "\\Trash";
    }
    return std::string_view();
}

// RFC 3501 section 7.2.2; RFC 3348 for the children.
std::string attributes_of(const store::MailboxInfo& info) {
    std::string attributes = info.selectable ? "" : "\\Noselect ";
    attributes += info.has_children ? "\\HasChildren" : "\\HasNoChildren";
    std::string_view role = role_attribute(info.role);
    if (!role.empty()) attributes.append(" ").append(role);
    return attributes;
}

std::string list_line(std::string_view command, std::string_view attributes, char separator,
                      std::string_view name) {
    std::string line = "* ";
    line.append(command).append(" (").append(attributes).append(") \"");
    line += separator;
    line += "\" ";
    imap::append_astring(line, name);
    line += "\r\n";
    return line;
}

struct Pattern {
    std::string reference;
    std::string pattern;
};

Result<Pattern> list_arguments(imap::Scanner& arguments) {
    Pattern pattern;
    TRY_VOID(arguments.sp());
    TRY(pattern.reference, arguments.astring());
    TRY_VOID(arguments.sp());
    TRY(pattern.pattern, arguments.list_mailbox());
    TRY_VOID(arguments.end());
    return pattern;
}

}  // namespace

Result<Session::Name> Session::mailbox_name(Command& command) {
    TRY_VOID(command.arguments.sp());
    TRY(std::string wire, command.arguments.astring());
    Name name;
    auto utf8 = mime::utf7_to_utf8(wire);
    name.is_valid = utf8.has_value();
    if (utf8) name.utf8 = iequals(*utf8, "INBOX") ? "INBOX" : *std::move(utf8);
    return name;
}

std::string Session::wire_name(const std::string& utf8) const {
    // What is not UTF-8 on disk has no name on the wire.
    return mime::utf8_to_utf7(utf8).value_or(std::string());
}

// RFC 3501 section 6.3.3
Task<Reply> Session::do_create(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return invalid_name();
    // A separator at the end only declares that there will be names below.
    if (name->utf8.ends_with(store_.separator())) name->utf8.pop_back();
    auto created = co_await store_.create(name->utf8);
    if (!created) co_return refused(created.error());
    co_return ok("Create completed.");
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
    co_return ok("Delete completed.");
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
    auto renamed = co_await store_.rename(from->utf8, to->utf8);
    if (!renamed) co_return refused(renamed.error());
    co_return ok("Rename completed.");
}

Task<Reply> Session::subscribe(Command& command, bool on) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return invalid_name();
    auto done = co_await store_.subscribe(name->utf8, on);
    if (!done) co_return refused(done.error());
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

// RFC 3501 section 6.3.8
Task<Reply> Session::do_list(Command& command) {
    auto wanted = list_arguments(command.arguments);
    if (!wanted) co_return bad(wanted.error());
    char separator = store_.separator();
    if (wanted->pattern.empty()) {  // asks for the separator and the root alone
        out_.put(list_line("LIST", "\\Noselect", separator, ""));
        co_return ok("List completed.");
    }
    auto mailboxes = co_await store_.list();
    if (!mailboxes) co_return refused(mailboxes.error());
    std::string pattern = wanted->reference + wanted->pattern;
    for (const store::MailboxInfo& info : *mailboxes) {
        std::string name = wire_name(info.name);
        if (!info.exists || !imap::matches(pattern, name, separator)) continue;
        out_.put(list_line("LIST", attributes_of(info), separator, name));
        co_await out_.room();
    }
    co_return ok("List completed.");
}

// RFC 3501 section 6.3.9: with "%", a level that is not subscribed but has subscribed names below
// it is told as \Noselect.
Task<Reply> Session::do_lsub(Command& command) {
    auto wanted = list_arguments(command.arguments);
    if (!wanted) co_return bad(wanted.error());
    auto mailboxes = co_await store_.list();
    if (!mailboxes) co_return refused(mailboxes.error());
    char separator = store_.separator();
    std::string pattern = wanted->reference + wanted->pattern;
    std::set<std::string> subscribed;
    std::set<std::string> levels;
    for (const store::MailboxInfo& info : *mailboxes) {
        if (!info.subscribed) continue;
        std::string name = wire_name(info.name);
        if (imap::matches(pattern, name, separator)) {
            subscribed.insert(name);
            continue;
        }
        for (std::size_t end = name.find(separator); end != std::string::npos;
             end = name.find(separator, end + 1)) {
            std::string level = name.substr(0, end);
            if (imap::matches(pattern, level, separator)) levels.insert(level);
        }
    }
    for (const std::string& name : subscribed) {
        out_.put(list_line("LSUB", "", separator, name));
        levels.erase(name);
        co_await out_.room();
    }
    for (const std::string& name : levels) {
        out_.put(list_line("LSUB", "\\Noselect", separator, name));
    }
    co_return ok("Lsub completed.");
}

// RFC 3501 section 6.3.10
Task<Reply> Session::do_status(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto items = imap::parse_status_items(command.arguments);
    if (!items) co_return bad(items.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return invalid_name();
    if (*items & imap::status_highest_modseq) enable_condstore();
    auto status = co_await store_.status(name->utf8);
    if (!status) co_return refused(status.error());
    std::string values;
    auto add = [&](unsigned item, std::string_view word, std::uint64_t value) {
        if (!(*items & item)) return;
        if (!values.empty()) values += ' ';
        values.append(word).append(" ").append(std::to_string(value));
    };
    add(imap::status_messages, "MESSAGES", status->messages);
    add(imap::status_recent, "RECENT", status->recent);
    add(imap::status_uid_next, "UIDNEXT", status->uid_next);
    add(imap::status_uid_validity, "UIDVALIDITY", status->uid_validity);
    add(imap::status_unseen, "UNSEEN", status->unseen);
    add(imap::status_highest_modseq, "HIGHESTMODSEQ", told_modseq(status->highest_modseq));
    std::string line = "* STATUS ";
    imap::append_astring(line, wire_name(name->utf8));
    line += " (" + values + ")\r\n";
    out_.put(line);
    co_return ok("Status completed.");
}

}  // namespace facteur::imapd
