// QUOTA: RFC 9208.

#include <algorithm>

#include "imapd/session.h"
#include "lib/imap/response.h"

namespace facteur::imapd {

namespace {

// RFC 9208 section 5.1: in units of 1024 octets.
std::uint64_t kibibytes(std::uint64_t bytes) {
    return bytes / 1024 + (bytes % 1024 != 0 ? 1 : 0);
}

std::string quota_line(const store::QuotaRoot& root) {
    std::string line = "* QUOTA ";
    imap::append_string(line, root.name);
    std::string resources;
    auto add = [&](const char* name, std::uint64_t used, std::uint64_t limit) {
        if (limit == 0) return;
        if (!resources.empty()) resources += ' ';
        resources += name;
        resources += ' ' + std::to_string(used) + ' ' + std::to_string(limit);
    };
    add("STORAGE", kibibytes(root.bytes), kibibytes(root.byte_limit));
    add("MESSAGE", root.messages, root.message_limit);
    return line + " (" + resources + ")\r\n";
}

}  // namespace

// RFC 9208 section 4.1.3
Task<Reply> Session::do_getquotaroot(Command& command) {
    auto name = mailbox_name(command);
    if (!name) co_return bad(name.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (!name->is_valid) co_return no("[CANNOT] Mailbox name is not valid.");
    auto roots = co_await store_.quota(name->utf8);
    if (!roots) co_return refused(roots.error());
    std::string line = "* QUOTAROOT ";
    append_name(line, name->utf8);
    for (const store::QuotaRoot& root : *roots) {
        line += ' ';
        imap::append_string(line, root.name);
    }
    out_.put(line + "\r\n");
    for (const store::QuotaRoot& root : *roots)
        out_.put(quota_line(root));
    quota_mailbox_ = name->utf8;
    co_return ok("Getquotaroot completed.");
}

// RFC 9208 section 4.1.1: a root of INBOX, or of the mailbox that was asked about last.
Task<Reply> Session::do_getquota(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto wanted = command.arguments.astring();
    if (!wanted) co_return bad(wanted.error());
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    std::vector<std::string> names;
    names.push_back("INBOX");
    names.push_back(quota_mailbox_);
    for (const std::string& name : names) {
        auto roots = co_await store_.quota(name);
        if (!roots) co_return refused(roots.error());
        for (const store::QuotaRoot& root : *roots) {
            if (root.name != *wanted) continue;
            out_.put(quota_line(root));
            co_return ok("Getquota completed.");
        }
    }
    co_return no("[NONEXISTENT] No such quota root.");
}

// RFC 9208 section 4.1.2: quotas are the administrator's to set.
Task<Reply> Session::do_setquota(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto root = command.arguments.astring();
    if (!root) co_return bad(root.error());
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    if (auto open = command.arguments.expect('('); !open) co_return bad(open.error());
    co_return no("[NOPERM] Quotas are set by the administrator.");
}

}  // namespace facteur::imapd
