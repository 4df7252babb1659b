// NOTIFY: RFC 5465.

#include <algorithm>
#include <exception>

#include <sys/socket.h>

#include "imapd/fetch.h"
#include "imapd/notifications.h"
#include "imapd/session.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/sleep.h"
#include "lib/imap/notify.h"
#include "lib/imap/response.h"

namespace facteur::imapd {

namespace {

const char* const kBadEvent =
    "[BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange "
    "MailboxMetadataChange ServerMetadataChange)] Some event is not supported.";

/// A mailbox is not made in one step: its name comes before what makes it a mailbox.
constexpr Milliseconds kSettled{100};

constexpr unsigned kWatchedEvents = imap::kMessageEvents | imap::mailbox_metadata;

/// The entries whose values differ, as RFC 5464 section 4.4.2 tells them.
std::string changed_entries(const store::Properties& before, const store::Properties& after) {
    std::string entries;
    auto add = [&](const std::string& entry) {
        entries += ' ';
        imap::append_astring(entries, entry);
    };
    for (const auto& [entry, value] : before)
        if (!after.contains(entry)) add(entry);
    for (const auto& [entry, value] : after) {
        auto old = before.find(entry);
        if (old == before.end() || old->second != value) add(entry);
    }
    return entries;
}

Task<void> relay(Scope& scope, Signal& from, Notifications& to) {
    for (;;) {
        co_await from.wait(scope);
        to.is_selected_dirty = true;
        to.something.notify_all();
    }
}

}  // namespace

// RFC 5465 sections 3.1 and 5: what one STATUS response tells.
unsigned Session::notified_items(unsigned events) const {
    unsigned items = 0;
    if (events & imap::kMessageEvents) {
        items = imap::status_messages | imap::status_uid_next | imap::status_uid_validity;
    }
    if (events & imap::flag_change) items |= imap::status_unseen | imap::status_highest_modseq;
    if (condstore_) items |= imap::status_highest_modseq;
    return items;
}

Task<void> Session::end_notifications() {
    if (!notify_) co_return;
    co_await notify_->end();
    notify_.reset();
}

// RFC 5465 section 3.1
Task<Reply> Session::do_notify(Command& command) {
    auto wanted = imap::parse_notify(command.arguments,
                                     static_cast<std::size_t>(settings_.notify_mailbox_limit()),
                                     static_cast<std::size_t>(settings_.fetch_item_limit()));
    if (!wanted) co_return bad(wanted.error());
    if (wanted->has_unknown_event) co_return no(kBadEvent);
    for (imap::NotifyGroup& group : wanted->groups) {
        for (std::string& name : group.filter.names) {
            auto utf8 = utf8_name(name);
            if (utf8) name = *std::move(utf8);
        }
    }
    co_await end_notifications();
    notify_ = std::make_unique<Notifications>(store_, stream_.scope(), std::move(wanted->groups));
    bool is_done = co_await begin_notifications(wanted->wants_status);
    if (!is_done) {
        co_await end_notifications();
        co_return no("[NOTIFICATIONOVERFLOW] Too many mailboxes.");
    }
    // As after NOOP; from then on by what was asked for.
    if (mailbox_) co_await tell_changes(true);
    co_return ok("Notify completed.");
}

/// False: it is too much.
Task<bool> Session::begin_notifications(bool tells_status) {
    if (!notify_->wants_names()) co_return true;
    co_await notify_->watch_names();
    auto mailboxes = co_await store_.list();
    if (!mailboxes) co_return false;
    if (notify_->wants_server_metadata()) {
        auto server = co_await store_.properties(std::string());
        if (server) notify_->server = *std::move(server);
    }
    std::size_t limit = static_cast<std::size_t>(settings_.notify_mailbox_limit());
    for (store::MailboxInfo& info : *mailboxes) {
        unsigned events = notify_->events_of(info);
        bool is_watched = info.selectable && events != 0;
        std::string name = info.name;
        notify_->names.emplace(name, std::move(info));
        if (!is_watched) continue;
        if (notify_->watched.size() == limit) co_return false;
        co_await notify_->add(name, events);
        bool is_told = tells_status && (events & imap::kMessageEvents);
        if (!is_told || (mailbox_ && mailbox_->name() == name)) continue;
        auto told = co_await tell_status(name, notified_items(events));
        (void)told;
        co_await out_.room();
    }
    co_return true;
}

// RFC 5465 section 5: another mailbox than the selected one.
Task<void> Session::tell_watched(std::string name) {
    auto at = notify_->watched.find(name);
    auto info = notify_->names.find(name);
    if (at == notify_->watched.end() || info == notify_->names.end()) co_return;
    Notifications::Watched& mailbox = *at->second;
    mailbox.is_dirty = false;
    unsigned events = notify_->events_of(info->second);
    auto status = co_await store_.status(name);
    if (!status) co_return;  // its name is gone: tell_names() finds out
    store::MailboxStatus before = std::exchange(mailbox.known, *status);
    bool is_selected = mailbox_ && mailbox_->name() == name;
    bool is_other = before.uid_validity != status->uid_validity;
    bool has_messages =
        before.messages != status->messages || before.uid_next != status->uid_next || is_other;
    bool has_flags = before.unseen != status->unseen || is_other ||
                     (condstore_ && before.highest_modseq != status->highest_modseq);
    bool is_told = ((events & imap::message_new) && has_messages) ||
                   ((events & imap::flag_change) && has_flags);
    if (is_told && !is_selected) {
        auto told = co_await tell_status(name, notified_items(events));
        (void)told;
    }
    if (!(events & imap::mailbox_metadata)) co_return;
    auto properties = co_await store_.properties(name);
    if (!properties) co_return;
    store::Properties now = condensed(*std::move(properties));
    std::string entries = changed_entries(mailbox.properties, now);
    mailbox.properties = std::move(now);
    bool is_own = notify_->own_names.erase(name) != 0;
    if (entries.empty() || is_own) co_return;
    std::string line = "* METADATA ";
    append_name(line, name);
    out_.put(line + entries + "\r\n");
}

/// The old name of what has a new one.
Task<std::string> Session::old_name_of(std::string name,
                                       const std::map<std::string, store::MailboxInfo>& now) {
    auto status = co_await store_.status(name);
    if (!status) co_return std::string();
    for (const auto& [known, id] : notify_->ids) {
        auto there = now.find(known);
        bool is_there = there != now.end() && there->second.exists;
        if (id == status->id && !is_there) co_return known;
    }
    co_return std::string();
}

// RFC 5465 sections 5.4 and 5.5
Task<void> Session::tell_name(const store::MailboxInfo& info, const store::MailboxInfo* before,
                              const std::map<std::string, store::MailboxInfo>& now) {
    unsigned events = notify_->events_of(info);
    if (before != nullptr) events |= notify_->events_of(*before);
    bool is_new = info.selectable && (before == nullptr || !before->selectable);
    bool is_renamed = before == nullptr || before->selectable != info.selectable ||
                      before->exists != info.exists || before->has_children != info.has_children;
    bool is_subscribed =
        before == nullptr ? info.subscribed : before->subscribed != info.subscribed;
    bool is_told = ((events & imap::mailbox_name_event) && is_renamed) ||
                   ((events & imap::subscription_change) && is_subscribed);
    std::string more;
    if (is_new && is_told) {
        std::string old = co_await old_name_of(info.name, now);
        if (!old.empty()) {
            more = " (\"OLDNAME\" (";
            append_name(more, old);
            more += "))";
            co_await notify_->remove(old);
            renamed_.insert(old);
        }
    }
    bool is_own = notify_->own_names.contains(info.name);
    if (is_told && !is_own) {
        out_.put(list_line("LIST", mailbox_attributes(info, true, true), info.name, more));
    }
    // Also one that was subscribed only now; as many as at the beginning.
    bool is_watched = info.selectable && events != 0 && !notify_->watched.contains(info.name);
    bool has_room =
        notify_->watched.size() < static_cast<std::size_t>(settings_.notify_mailbox_limit());
    if (is_watched && has_room) {
        co_await notify_->add(info.name, events);
        auto added = notify_->watched.find(info.name);
        bool has_news =
            more.empty() && added != notify_->watched.end() && added->second->known.messages > 0;
        if (has_news && (events & imap::kMessageEvents)) {
            auto told = co_await tell_status(info.name, notified_items(events));
            (void)told;
        }
    }
}

Task<void> Session::tell_names() {
    auto mailboxes = co_await store_.list();
    if (!mailboxes) co_return;
    std::map<std::string, store::MailboxInfo> now;
    for (store::MailboxInfo& info : *mailboxes)
        now.emplace(info.name, std::move(info));
    std::map<std::string, store::MailboxInfo> before = std::exchange(notify_->names, now);
    renamed_.clear();
    for (const auto& [name, info] : now) {
        auto old = before.find(name);
        const store::MailboxInfo* known = old == before.end() ? nullptr : &old->second;
        co_await tell_name(info, known, now);
    }
    for (const auto& [name, old] : before) {
        if (now.contains(name)) continue;
        bool is_told = (notify_->events_of(old) & imap::mailbox_name_event) &&
                       !notify_->own_names.contains(name) && !renamed_.contains(name);
        co_await notify_->remove(name);
        if (is_told) out_.put(list_line("LIST", "\\NonExistent", name));
    }
    notify_->own_names.clear();
    if (!notify_->wants_server_metadata()) co_return;
    auto server = co_await store_.properties(std::string());
    if (!server) co_return;
    std::string entries = changed_entries(notify_->server, *server);
    notify_->server = *std::move(server);
    if (!entries.empty() && !has_own_server_metadata_) {
        out_.put("* METADATA \"\"" + entries + "\r\n");
    }
    has_own_server_metadata_ = false;
}

/// What happened elsewhere, as far as the client asked for it.
Task<void> Session::tell_notifications(Scope& scope) {
    if (notify_->are_names_dirty) {
        co_await Sleep(scope, kSettled);
        notify_->are_names_dirty = false;
        co_await tell_names();
    }
    std::vector<std::string> dirty;
    for (const auto& [name, mailbox] : notify_->watched)
        if (mailbox->is_dirty) dirty.push_back(name);
    for (std::string& name : dirty) {
        co_await tell_watched(std::move(name));
        co_await out_.room();
    }
}

/// What NOTIFY asks for, until the scope is cancelled.  In IDLE expunges are told too.
Task<void> Session::watch_all(Scope& scope, bool in_idle) {
    bool hears = mailbox_ && notify_->selected_events() != 0;
    if (hears) scope.spawn(relay(scope, mailbox_->changed(), *notify_));
    for (;;) {
        notify_->is_selected_dirty = false;
        if (hears && !ended_) co_await tell_news(in_idle || notify_->is_immediate());
        co_await tell_notifications(scope);
        co_await out_.flush();
        stream_.set_deadline(settings_.timeout());
        if (ended_) {
            ::shutdown(stream_.fd(), SHUT_RD);  // wakes the one who waits for the client
            co_return;
        }
        bool is_quiet = false;
        TimePoint next = kNever;
        if (in_idle) next = Loop::current().now() + settings_.idle_notify_interval();
        while (!is_quiet && !notify_->is_dirty() && !notify_->is_selected_dirty) {
            try {
                co_await notify_->something.wait(scope, next);
            } catch (const TimedOut&) {
                is_quiet = true;
            }
        }
        if (is_quiet) out_.put("* OK Still here\r\n");
    }
}

/// Until the client says something; RFC 5465 section 3: notifications come between commands too.
Task<void> Session::wait_for_command() {
    if (!notify_ || stream_.buffered()) co_return;
    stream_.set_deadline(settings_.timeout());
    Scope watching(stream_.scope());
    watching.spawn(watch_all(watching, false));
    std::exception_ptr failure;
    try {
        (void)co_await stream_.peek();
    } catch (const Disconnect&) {
        failure = std::current_exception();
    }
    watching.cancel();
    co_await watching.join();
    if (failure && !ended_) std::rethrow_exception(failure);
}

/// New messages with what the client wants to know of them (RFC 5465 section 5.2).
Task<void> Session::tell_new_items(std::uint32_t first) {
    std::vector<std::uint32_t> sequences;
    for (std::uint32_t n = first; n <= mailbox_->size(); ++n)
        sequences.push_back(n);
    if (sequences.empty()) co_return;
    FetchForm form;
    form.without_recent = rev2_;
    form.uid_only = uid_only_;
    Fetch fetch(*mailbox_, out_, workers_, notify_->items_of_new(), form);
    auto sent = co_await fetch.send(sequences, false);
    (void)sent;
}

// RFC 5465 section 3.1: of the selected mailbox only what was asked for.
Task<void> Session::tell_news(bool expunges) {
    if (notify_ && notify_->selected_events() == 0) co_return;
    co_await tell_changes(expunges);
}

}  // namespace facteur::imapd
