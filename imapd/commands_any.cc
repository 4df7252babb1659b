// Commands that need no mailbox: RFC 3501 section 6.1, IDLE, ID, NAMESPACE.

#include <exception>

#include <sys/socket.h>

#include "imapd/notifications.h"
#include "imapd/session.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/imap/response.h"

namespace facteur::imapd {

// ACL, RIGHTS= and LIST-MYRIGHTS wait for a store that keeps access lists: the commands are there.
constexpr std::string_view kCapabilities =
    "IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID IDLE NAMESPACE CHILDREN UIDPLUS MOVE UNSELECT "
    "SPECIAL-USE "
    "ENABLE CONDSTORE QRESYNC ESEARCH SEARCHRES WITHIN PARTIAL SORT SORT=DISPLAY ESORT "
    "THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS I18NLEVEL=1 OBJECTID METADATA "
    "LIST-METADATA CREATE-SPECIAL-USE UIDONLY NOTIFY CONTEXT=SEARCH CONTEXT=SORT FILTERS "
    "MULTISEARCH "
    "QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE LIST-EXTENDED "
    "LIST-STATUS STATUS=SIZE "
    "MULTIAPPEND "
    "BINARY CATENATE REPLACE PREVIEW COMPRESS=DEFLATE "
    "UTF8=ACCEPT INPROGRESS SAVEDATE";

// RFC 7889 section 2: one limit for all mailboxes.
std::string Session::capabilities() const {
    std::string all =
        std::string(kCapabilities) + " APPENDLIMIT=" + std::to_string(settings_.append_limit());
    // RFC 9738 section 4
    if (settings_.message_limit() > 0) {
        all += " MESSAGELIMIT=" + std::to_string(settings_.message_limit());
    }
    return all;
}

Task<Reply> Session::do_capability(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    out_.put("* CAPABILITY " + capabilities() + "\r\n");
    co_return ok("Capability completed.");
}

Task<Reply> Session::do_noop(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    co_return ok("NOOP completed.");
}

Task<Reply> Session::do_logout(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    bye("Logging out", "Logged out");
    co_return ok("Logout completed.");
}

// RFC 3501 section 3.3: these belong to the state before.
Task<Reply> Session::do_login(Command&) {
    co_return bad("Already logged in.");
}

// RFC 2971 section 3.1
Task<Reply> Session::do_id(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    auto fields = imap::parse_id(command.arguments);
    if (!fields) co_return bad(fields.error());
    out_.put("* ID (\"name\" \"Facteur\")\r\n");
    co_return ok("ID completed.");
}

// RFC 2342 section 5: personal ones, those of other users, shared ones.
Task<Reply> Session::do_namespace(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    using Kind = store::Namespace::Kind;
    const std::vector<store::Namespace> all = store_.namespaces();
    std::string line = "* NAMESPACE";
    for (Kind kind : {Kind::personal, Kind::others, Kind::shared}) {
        std::string list;
        for (const store::Namespace& one : all) {
            if (one.kind != kind) continue;
            list += '(';
            imap::append_string(list, wire_name(one.prefix));
            list.append(" \"").append(1, store_.separator()).append("\")");
        }
        line += list.empty() ? " NIL" : " (" + list + ")";
    }
    out_.put(line + "\r\n");
    co_return ok("Namespace completed.");
}

// RFC 5161 section 3.1: what is not known, or cannot be enabled, is left out of the answer.
Task<Reply> Session::do_enable(Command& command) {
    auto names = imap::parse_enable(command.arguments);
    if (!names) co_return bad(names.error());
    std::string enabled;
    bool wants_condstore = false;
    for (const std::string& name : *names) {
        if (name == "QRESYNC") qresync_ = true;  // RFC 7162 section 3.2.3: and with it CONDSTORE
        // RFC 9051 appendix A: what is new in it may confuse who has not asked for it.
        if (name == "IMAP4REV2") rev2_ = utf8_ = true;
        if (name == "UTF8=ACCEPT") utf8_ = true;
        if (name == "UIDONLY") uid_only_ = true;  // RFC 9586 section 3
        bool is_condstore = name == "CONDSTORE" || name == "QRESYNC";
        bool is_known =
            is_condstore || name == "IMAP4REV2" || name == "UTF8=ACCEPT" || name == "UIDONLY";
        if (!is_known) continue;
        wants_condstore |= is_condstore;
        enabled += name == "IMAP4REV2" ? " IMAP4rev2" : " " + name;
    }
    out_.put("* ENABLED" + enabled + "\r\n");
    if (wants_condstore) enable_condstore();
    co_return ok("Enabled.");
}

// RFC 4978 section 3
Task<Reply> Session::do_compress(Command& command) {
    if (auto sp = command.arguments.sp(); !sp) co_return bad(sp.error());
    std::string mechanism = command.arguments.keyword();
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    if (mechanism != "DEFLATE") co_return bad("Unknown compression mechanism.");
    if (stream_.is_compressed()) co_return no("[COMPRESSIONACTIVE] Compression is active.");
    wants_deflate_ = true;
    co_return ok("Begin compression.");
}

// RFC 2177 section 3: one coroutine waits for DONE, another one for the mailbox.
Task<Reply> Session::do_idle(Command& command) {
    if (auto end = command.arguments.end(); !end) co_return bad(end.error());
    out_.put("+ idling\r\n");
    co_await out_.flush();
    stream_.set_deadline(settings_.timeout());
    Scope watching(stream_.scope());
    // RFC 5465 section 4: IDLE tells what NOTIFY asked for.
    watching.spawn(notify_ ? watch_all(watching, true) : watch(watching));
    std::exception_ptr failure;
    Line line;
    try {
        line = co_await stream_.read_line(1024);
        reader_.count(line.text.size() + 2);
    } catch (const Disconnect&) {
        failure = std::current_exception();
    }
    watching.cancel();
    co_await watching.join();
    if (failure && !ended_) std::rethrow_exception(failure);
    if (!ended_ && !iequals(line.text, "DONE")) co_return bad("Expected DONE.");
    co_return ok("Idle completed.");
}

/// Tells what happens until the scope is cancelled.
Task<void> Session::watch(Scope& scope) {
    Signal nothing;
    Signal& changed = mailbox_ ? mailbox_->changed() : nothing;
    for (;;) {
        // Also before the first wait: something may have come since the last command.
        if (mailbox_) co_await tell_changes(true);
        co_await out_.flush();
        stream_.set_deadline(settings_.timeout());
        if (ended_) {
            ::shutdown(stream_.fd(), SHUT_RD);  // wakes the one who waits for DONE
            co_return;
        }
        bool is_quiet = false;
        try {
            TimePoint next = Loop::current().now() + settings_.idle_notify_interval();
            co_await changed.wait(scope, next);
        } catch (const TimedOut&) {
            is_quiet = true;
        }
        if (is_quiet) out_.put("* OK Still here\r\n");
    }
}

}  // namespace facteur::imapd
