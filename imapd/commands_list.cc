// LIST, LSUB and STATUS: RFC 3501 sections 6.3.8 to 6.3.10, RFC 5258, RFC 5819, RFC 6154, RFC 8438,
// RFC 8474, RFC 9590.

#include <algorithm>
#include <set>

#include "imapd/session.h"
#include "imapd/store_terms.h"
#include "lib/imap/list.h"
#include "lib/imap/mailbox_name.h"
#include "lib/imap/response.h"

namespace facteur::imapd {

namespace {

bool is_selected(const store::MailboxInfo& info, const imap::ListArguments& wanted) {
    if (wanted.only_special_use && info.role == store::Role::none) return false;
    if (wanted.only_subscribed) return info.subscribed;
    return info.exists;
}

/// RFC 5258 section 3.5: the names above what is selected.
std::set<std::string> levels_above(const std::vector<store::MailboxInfo>& mailboxes,
                                   const imap::ListArguments& wanted, char separator) {
    std::set<std::string> above;
    if (!wanted.recursive_match) return above;
    for (const store::MailboxInfo& info : mailboxes) {
        if (!is_selected(info, wanted)) continue;
        for (std::size_t end = info.name.find(separator); end != std::string::npos;
             end = info.name.find(separator, end + 1)) {
            above.insert(info.name.substr(0, end));
        }
    }
    return above;
}

/// Levels that neither exist nor are subscribed stand in no list of mailboxes.
void add_missing(std::vector<store::MailboxInfo>& mailboxes, const std::set<std::string>& above) {
    std::set<std::string> known;
    for (const store::MailboxInfo& info : mailboxes)
        known.insert(info.name);
    for (const std::string& name : above) {
        if (known.contains(name)) continue;
        store::MailboxInfo info;
        info.name = name;
        info.selectable = info.exists = false;
        info.has_children = true;
        mailboxes.push_back(std::move(info));
    }
    std::sort(mailboxes.begin(), mailboxes.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
}

std::string_view child_info(const imap::ListArguments& wanted) {
    if (!wanted.only_subscribed) return " (\"CHILDINFO\" (\"SPECIAL-USE\"))";
    return wanted.only_special_use ? " (\"CHILDINFO\" (\"SUBSCRIBED\" \"SPECIAL-USE\"))"
                                   : " (\"CHILDINFO\" (\"SUBSCRIBED\"))";
}

bool matches_any(const imap::ListArguments& wanted, const std::string& name, char separator) {
    return std::any_of(
        wanted.patterns.begin(), wanted.patterns.end(), [&](const std::string& pattern) {
            return !pattern.empty() && imap::matches(wanted.reference + pattern, name, separator);
        });
}

}  // namespace

// RFC 3501 section 7.2.2, RFC 3348 for the children, RFC 5258 section 3 for those who know it.
std::string Session::mailbox_attributes(const store::MailboxInfo& info, bool is_extended,
                                        bool tells_subscribed) {
    std::string attributes;
    if (!info.selectable) attributes = is_extended ? "\\NonExistent " : "\\Noselect ";
    attributes += info.has_children ? "\\HasChildren" : "\\HasNoChildren";
    // RFC 6154 section 2
    if (info.role != store::Role::none) attributes += " " + std::string(role_name(info.role));
    if (info.subscribed && tells_subscribed) attributes += " \\Subscribed";
    return attributes;
}

std::string Session::list_line(std::string_view command, std::string_view attributes,
                               const std::string& name, std::string_view more) const {
    std::string line = "* ";
    line.append(command).append(" (").append(attributes).append(") \"");
    line += store_.separator();
    line += "\" ";
    append_name(line, name);
    line.append(more).append("\r\n");
    return line;
}

// RFC 3501 section 6.3.8, RFC 5258 section 3
Task<Reply> Session::do_list(Command& command) {
    auto wanted = imap::parse_list(command.arguments,
                                   static_cast<std::size_t>(settings_.list_pattern_limit()));
    if (!wanted) co_return bad(wanted.error());
    if (wanted->status & imap::status_highest_modseq) enable_condstore();
    if (!wanted->is_extended && wanted->patterns.front().empty()) {
        out_.put(list_line("LIST", "\\Noselect", ""));  // the separator and the root alone
        co_return ok("List completed.");
    }
    auto mailboxes = co_await store_.list();
    if (!mailboxes) co_return refused(mailboxes.error());
    char separator = store_.separator();
    std::set<std::string> above = levels_above(*mailboxes, *wanted, separator);
    add_missing(*mailboxes, above);
    for (const store::MailboxInfo& info : *mailboxes) {
        bool has_selected_below = above.contains(info.name);
        if (!is_selected(info, *wanted) && !has_selected_below) continue;
        if (!matches_any(*wanted, wire_name(info.name), separator)) continue;
        bool tells_subscribed = wanted->tell_subscribed || wanted->only_subscribed;
        out_.put(list_line("LIST", mailbox_attributes(info, wanted->is_extended, tells_subscribed),
                           info.name,
                           has_selected_below ? child_info(*wanted) : std::string_view()));
        // RFC 5819 section 2: none for what cannot be selected, nor when it fails.
        if (wanted->status != 0 && info.selectable) {
            auto told = co_await tell_status(info.name, wanted->status);
            (void)told;
        }
        if (wanted->tell_my_rights && info.selectable) co_await tell_list_rights(info.name);
        if (wanted->metadata && info.selectable) {
            co_await tell_list_metadata(info.name, *wanted->metadata);
        }
        co_await out_.room();
    }
    co_return ok("List completed.");
}

// RFC 3501 section 6.3.9: with "%", a level that is not subscribed but has subscribed names below
// it is told as \Noselect.
Task<Reply> Session::do_lsub(Command& command) {
    auto wanted = imap::parse_list(command.arguments, 1);
    if (wanted && wanted->is_extended) wanted = permanent("LSUB has no options");
    if (!wanted) co_return bad(wanted.error());
    auto mailboxes = co_await store_.list();
    if (!mailboxes) co_return refused(mailboxes.error());
    char separator = store_.separator();
    std::set<std::string> subscribed;
    std::set<std::string> levels;
    for (const store::MailboxInfo& info : *mailboxes) {
        if (!info.subscribed) continue;
        const std::string& name = info.name;
        if (matches_any(*wanted, wire_name(name), separator)) {
            subscribed.insert(name);
            continue;
        }
        for (std::size_t end = name.find(separator); end != std::string::npos;
             end = name.find(separator, end + 1)) {
            std::string level = name.substr(0, end);
            if (matches_any(*wanted, wire_name(level), separator)) levels.insert(level);
        }
    }
    for (const std::string& name : subscribed) {
        out_.put(list_line("LSUB", "", name));
        levels.erase(name);
        co_await out_.room();
    }
    for (const std::string& name : levels)
        out_.put(list_line("LSUB", "\\Noselect", name));
    co_return ok("Lsub completed.");
}

/// Makes all sizes of a mailbox known: those of messages that another program brought are not.
Task<Result<void>> Session::measure(const std::string& name) {
    auto mailbox = co_await store_.open(name, true);
    if (!mailbox) co_return std::unexpected(mailbox.error());
    std::vector<std::uint32_t> unknown;
    for (std::uint32_t n = 1; n <= (*mailbox)->size(); ++n) {
        store::Message message = (*mailbox)->message(n);
        if (message.size == 0 && !message.expunged) unknown.push_back(message.uid);
    }
    if (unknown.empty()) co_return Result<void>();
    auto measured = co_await (*mailbox)->measure(std::move(unknown));
    co_return measured;
}

Task<Result<void>> Session::tell_status(const std::string& name, unsigned items) {
    if (items & (imap::status_size | imap::status_deleted_storage)) {
        CO_TRY_VOID(co_await measure(name));
    }
    auto status = co_await store_.status(name);
    if (!status) co_return std::unexpected(status.error());
    std::string values;
    auto add = [&](unsigned item, std::string_view word, std::uint64_t value) {
        if (!(items & item)) return;
        if (!values.empty()) values += ' ';
        values.append(word).append(" ").append(std::to_string(value));
    };
    add(imap::status_messages, "MESSAGES", status->messages);
    add(imap::status_recent, "RECENT", status->recent);
    add(imap::status_uid_next, "UIDNEXT", status->uid_next);
    add(imap::status_uid_validity, "UIDVALIDITY", status->uid_validity);
    add(imap::status_unseen, "UNSEEN", status->unseen);
    add(imap::status_highest_modseq, "HIGHESTMODSEQ", told_modseq(status->highest_modseq));
    add(imap::status_size, "SIZE", status->size);
    add(imap::status_deleted, "DELETED", status->deleted);
    add(imap::status_append_limit, "APPENDLIMIT", settings_.append_limit());
    // RFC 9208 section 4.2: in units of 1024 octets.
    add(imap::status_deleted_storage, "DELETED-STORAGE", (status->deleted_size + 1023) / 1024);
    // RFC 8474 section 4.3
    if (items & imap::status_mailbox_id) {
        values += (values.empty() ? "MAILBOXID (" : " MAILBOXID (") + status->id + ")";
    }
    std::string line = "* STATUS ";
    append_name(line, name);
    line += " (" + values + ")\r\n";
    out_.put(line);
    co_return Result<void>();
}

// RFC 3501 section 6.3.10
Task<Reply> Session::do_status(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto items = imap::parse_status_items(command.arguments);
    if (!items) co_return bad(items.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return no("[CANNOT] Mailbox name is not valid modified UTF-7.");
    if (*items & imap::status_highest_modseq) enable_condstore();
    auto told = co_await tell_status(name->utf8, *items);
    if (!told) co_return refused(told.error());
    co_return ok("Status completed.");
}

}  // namespace facteur::imapd
