#include "imapd/session.h"

#include "imapd/notifications.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"

namespace facteur::imapd {

const Session::Verb Session::kVerbs[] = {
    {"CAPABILITY", &Session::do_capability},
    {"NOOP", &Session::do_noop},
    {"LOGOUT", &Session::do_logout},
    {"ID", &Session::do_id},
    {"NAMESPACE", &Session::do_namespace},
    {"ENABLE", &Session::do_enable},
    {"COMPRESS", &Session::do_compress},
    {"IDLE", &Session::do_idle},
    {"LOGIN", &Session::do_login},
    {"AUTHENTICATE", &Session::do_login},
    {"STARTTLS", &Session::do_login},
    {"SELECT", &Session::do_select},
    {"EXAMINE", &Session::do_select},
    {"CREATE", &Session::do_create},
    {"DELETE", &Session::do_delete},
    {"RENAME", &Session::do_rename},
    {"SUBSCRIBE", &Session::do_subscribe},
    {"UNSUBSCRIBE", &Session::do_unsubscribe},
    {"LIST", &Session::do_list},
    {"LSUB", &Session::do_lsub},
    {"STATUS", &Session::do_status},
    {"NOTIFY", &Session::do_notify},
    {"ESEARCH", &Session::do_esearch},
    {"CANCELUPDATE", &Session::do_cancelupdate, true},
    {"GETQUOTA", &Session::do_getquota},
    {"GETQUOTAROOT", &Session::do_getquotaroot},
    {"SETQUOTA", &Session::do_setquota},
    {"GETACL", &Session::do_getacl},
    {"SETACL", &Session::do_setacl},
    {"DELETEACL", &Session::do_setacl},
    {"LISTRIGHTS", &Session::do_listrights},
    {"MYRIGHTS", &Session::do_myrights},
    {"GETMETADATA", &Session::do_getmetadata},
    {"SETMETADATA", &Session::do_setmetadata},
    {"APPEND", &Session::do_append},
    {"REPLACE", &Session::do_replace, true, true},
    {"CHECK", &Session::do_check, true},
    {"CLOSE", &Session::do_close, true},
    {"UNSELECT", &Session::do_unselect, true},
    {"EXPUNGE", &Session::do_expunge, true, true},
    {"COPY", &Session::do_copy, true, true},
    {"MOVE", &Session::do_move, true, true},
    {"STORE", &Session::do_store, true, true, true},
    {"FETCH", &Session::do_fetch, true, true, true},
    {"SEARCH", &Session::do_search, true, true, true},
    {"SORT", &Session::do_sort, true, true, true},
    {"THREAD", &Session::do_thread, true, true, true},
};

Session::Session(Stream& stream, store::Store& store, WorkerPool& workers, const Settings& settings)
    : stream_(stream),
      store_(store),
      workers_(workers),
      settings_(settings),
      reader_(stream, static_cast<std::size_t>(settings.max_line_length())),
      out_(stream, settings.write_timeout()) {}

Session::~Session() = default;

void Session::note_own_name(const std::string& name) {
    // Nobody would take it out again when names are not watched.
    if (notify_ && notify_->wants_names()) notify_->own_names.insert(name);
}

Task<void> Session::run(std::string login_tag) {
    try {
        co_await converse(std::move(login_tag));
    } catch (const TimedOut&) {
        bye("Disconnected for inactivity.", "Inactivity");
    } catch (const Cancelled&) {
        bye("Server shutting down.", "Server shutting down");
    } catch (const Disconnect&) {
    }
    stream_.close();
    co_await end_notifications();
    if (!mailbox_) co_return;
    try {
        co_await mailbox_->close();
    } catch (const Disconnect&) {  // the store writes back what is lazy when it can
    }
}

void Session::bye(std::string_view text, std::string ending) {
    out_.put("* BYE ");
    out_.put(text);
    out_.put("\r\n");
    ended_ = true;
    ending_ = std::move(ending);
}

Task<void> Session::converse(std::string login_tag) {
    // RFC 3501 section 6.2.3: what has changed with the login is told with its OK.
    std::string capability = "[CAPABILITY " + capabilities() + "] Logged in";
    Reply logged_in = ok(std::move(capability));
    out_.put(to_line(login_tag, logged_in));
    while (!ended_) {
        if (stream_.has_line()) {
            co_await out_.room();
        } else {
            co_await out_.flush();
        }
        co_await wait_for_command();
        if (ended_) break;
        stream_.set_deadline(settings_.timeout());
        Incoming incoming = co_await reader_.next();
        co_await handle(std::move(incoming));
        if (!wants_deflate_) continue;
        wants_deflate_ = false;
        co_await out_.flush();
        stream_.start_deflate();
    }
    co_await out_.flush();
}

Task<void> Session::handle(Incoming incoming) {
    Command command{"*", "", false, imap::Scanner(incoming.text)};
    auto tag = command.arguments.tag();
    Reply reply;
    if (!tag || !command.arguments.sp()) {
        reply = bad("Invalid tag.");  // untagged: there is nothing to tag it with
    } else {
        command.tag = *tag;
        reply = co_await dispatch(command, incoming.error);
    }
    out_.put(to_line(command.tag, reply));
    if (incoming.fatal && !ended_) bye("Literal too large.", "Too large literal");
    if (too_many_bad(reply) && !ended_) {
        bye("Too many invalid IMAP commands.", "Too many invalid IMAP commands");
    }
}

const Session::Verb* Session::find_verb(const Command& command) {
    for (const Verb& verb : kVerbs) {
        if (verb.name == command.name) {
            return command.by_uid && !verb.has_uid_form ? nullptr : &verb;
        }
    }
    return nullptr;
}

Task<Reply> Session::dispatch(Command& command, const std::string& error) {
    command.name = command.arguments.keyword();
    if (command.name == "UID" && command.arguments.take(' ')) {
        command.by_uid = true;
        command.name = command.arguments.keyword();
    }
    const Verb* verb = find_verb(command);
    if (!error.empty()) co_return bad(error);
    if (verb == nullptr) co_return bad("Unknown command " + printable(command.name, 40) + ".");
    if (verb->needs_mailbox && !mailbox_) co_return bad("No mailbox selected.");
    // RFC 9586 section 3.1
    if (uid_only_ && verb->has_uid_form && !command.by_uid && command.name != "EXPUNGE") {
        co_return uid_required();
    }
    Reply reply = co_await (this->*verb->handler)(command);
    // The UID forms may tell of expunged messages (RFC 3501 section 7.4.1).
    if (mailbox_ && !ended_) co_await tell_news(!verb->keeps_numbers || command.by_uid);
    co_return reply;
}

bool Session::too_many_bad(const Reply& reply) {
    bad_commands_ = reply.kind == Reply::Kind::bad ? bad_commands_ + 1 : 0;
    return bad_commands_ >= settings_.bad_command_limit();
}

}  // namespace facteur::imapd
