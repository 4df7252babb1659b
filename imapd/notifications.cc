#include "imapd/notifications.h"

#include <algorithm>

#include "imapd/mailbox_filter.h"
#include "lib/store/summary.h"

namespace facteur::imapd {

namespace {

bool is_about_selection(const imap::NotifyGroup& group) {
    using Kind = imap::MailboxFilter::Kind;
    return group.filter.kind == Kind::selected || group.filter.kind == Kind::selected_delayed;
}

}  // namespace

store::Properties condensed(store::Properties properties) {
    for (auto& [entry, value] : properties)
        value = store::message_digest(value);
    return properties;
}

Notifications::Notifications(store::Store& store, Scope& parent,
                             std::vector<imap::NotifyGroup> groups)
    : store_(store), scope_(parent), groups_(std::move(groups)) {
    for (const imap::NotifyGroup& group : groups_)
        if (is_about_selection(group)) selected_ = group;
}

// RFC 5465 section 6: several groups add up.
unsigned Notifications::events_of(const store::MailboxInfo& mailbox) const {
    unsigned events = 0;
    for (const imap::NotifyGroup& group : groups_)
        if (matches(group.filter, mailbox, store_)) events |= group.events;
    return events;
}

bool Notifications::wants_server_metadata() const {
    return std::any_of(groups_.begin(), groups_.end(), [](const imap::NotifyGroup& group) {
        return group.events & imap::server_metadata;
    });
}

// Also who hears of messages: mailboxes come and go, and are subscribed.
bool Notifications::wants_names() const {
    return std::any_of(groups_.begin(), groups_.end(), [](const imap::NotifyGroup& group) {
        return group.events != 0 && !is_about_selection(group);
    });
}

Task<void> Notifications::listen(Watched& mailbox) {
    for (;;) {
        co_await mailbox.watch->changed().wait(mailbox.scope);
        mailbox.is_dirty = true;
        something.notify_all();
    }
}

Task<void> Notifications::listen_for_names() {
    for (;;) {
        co_await names_watch_->changed().wait(scope_);
        are_names_dirty = true;
        something.notify_all();
    }
}

Task<void> Notifications::add(std::string name, unsigned events) {
    auto watch = co_await store_.watch(name);
    auto status = co_await store_.status(name);
    if (!status) co_return;
    ids[name] = status->id;
    if (!watch) co_return;
    auto mailbox = std::make_unique<Watched>(scope_);
    mailbox->watch = *std::move(watch);
    mailbox->known = *std::move(status);
    if (events & imap::mailbox_metadata) {
        auto properties = co_await store_.properties(name);
        if (properties) mailbox->properties = condensed(*std::move(properties));
    }
    Watched& added = *mailbox;
    watched[name] = std::move(mailbox);
    added.scope.spawn(listen(added));
}

Task<void> Notifications::remove(const std::string& name) {
    ids.erase(name);
    auto at = watched.find(name);
    if (at == watched.end()) co_return;
    at->second->scope.cancel();
    co_await at->second->scope.join();
    watched.erase(at);
}

Task<void> Notifications::watch_names() {
    auto watch = co_await store_.watch(std::string());
    if (!watch) co_return;
    names_watch_ = *std::move(watch);
    scope_.spawn(listen_for_names());
}

Task<void> Notifications::end() {
    scope_.cancel();
    for (auto& [name, mailbox] : watched)
        co_await mailbox->scope.join();
    co_await scope_.join();
    watched.clear();
    names_watch_.reset();
}

bool Notifications::is_dirty() const {
    return are_names_dirty || std::any_of(watched.begin(), watched.end(),
                                          [](const auto& one) { return one.second->is_dirty; });
}

}  // namespace facteur::imapd
