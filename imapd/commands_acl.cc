// ACL: RFC 4314; LIST RETURN (MYRIGHTS): RFC 8440.

#include <algorithm>

#include "imapd/session.h"
#include "lib/imap/acl.h"
#include "lib/imap/response.h"

namespace facteur::imapd {

// RFC 4314 section 3.3
Task<Reply> Session::do_getacl(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return no("[CANNOT] Mailbox name is not valid.");
    auto entries = co_await store_.acl(name->utf8);
    if (!entries) co_return refused(entries.error());
    std::string line = "* ACL ";
    append_name(line, name->utf8);
    for (const store::AclEntry& entry : *entries) {
        line += ' ';
        imap::append_astring(line, entry.identifier);
        line += ' ' + imap::told_rights(entry.rights);
    }
    out_.put(line + "\r\n");
    co_return ok("Getacl completed.");
}

// RFC 4314 sections 3.1 and 3.2
Task<Reply> Session::do_setacl(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    bool deletes = command.name == "DELETEACL";
    auto wanted = imap::parse_acl_change(command.arguments, deletes);
    if (!wanted) co_return bad(wanted.error());
    if (!name->is_valid) co_return no("[CANNOT] Mailbox name is not valid.");
    store::AclEntry entry;
    entry.identifier = std::move(wanted->identifier);
    entry.rights = std::move(wanted->rights);
    store::AclChange change = store::AclChange::replace;
    if (wanted->sign == '+') change = store::AclChange::add;
    if (wanted->sign == '-') change = store::AclChange::remove;
    auto set = co_await store_.set_acl(name->utf8, std::move(entry), change);
    if (!set) co_return refused(set.error());
    co_return ok(deletes ? "Deleteacl completed." : "Setacl completed.");
}

// RFC 4314 section 3.4: each right by itself may be given to everybody.
Task<Reply> Session::do_listrights(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto identifier = command.arguments.astring();
    if (!identifier) co_return bad(identifier.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return no("[CANNOT] Mailbox name is not valid.");
    auto entries = co_await store_.acl(name->utf8);  // who may administer may know
    if (!entries) co_return refused(entries.error());
    std::string line = "* LISTRIGHTS ";
    append_name(line, name->utf8);
    line += ' ';
    imap::append_astring(line, *identifier);
    line += " \"\"";
    for (char right : imap::kRights)
        line.append(" ").append(1, right);
    out_.put(line + "\r\n");
    co_return ok("Listrights completed.");
}

void Session::tell_my_rights(const std::string& name, const std::string& rights) {
    std::string line = "* MYRIGHTS ";
    append_name(line, name);
    std::string told = imap::told_rights(rights);
    out_.put(line + " " + (told.empty() ? "\"\"" : told) + "\r\n");
}

// RFC 4314 section 3.5
Task<Reply> Session::do_myrights(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return no("[CANNOT] Mailbox name is not valid.");
    auto rights = co_await store_.my_rights(name->utf8);
    if (!rights) co_return refused(rights.error());
    tell_my_rights(name->utf8, *rights);
    co_return ok("Myrights completed.");
}

// RFC 8440 section 3: behind the LIST response of each mailbox that the user has rights on.
Task<void> Session::tell_list_rights(std::string name) {
    auto rights = co_await store_.my_rights(name);
    if (rights && !rights->empty()) tell_my_rights(name, *rights);
}

}  // namespace facteur::imapd
