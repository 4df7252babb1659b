#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/imap/notify.h"
#include "lib/store/store.h"

namespace facteur::imapd {

/// Digests in the place of the values, which may be long: enough to see a change.
store::Properties condensed(store::Properties properties);

/// What one client asked to hear of with NOTIFY (RFC 5465), and what it was told last.
class Notifications {
public:
    /// One mailbox that is not selected.
    struct Watched {
        explicit Watched(Scope& parent) : scope(parent) {}
        std::unique_ptr<store::Watch> watch;
        store::MailboxStatus known;
        store::Properties properties;
        bool is_dirty = false;
        Scope scope;  ///< of the task that listens
    };

    /// `store` and `parent` outlive it; end() comes before its destructor.
    Notifications(store::Store& store, Scope& parent, std::vector<imap::NotifyGroup> groups);

    /// Message events of the selected mailbox.
    unsigned selected_events() const { return selected_.events; }
    bool is_immediate() const {
        return selected_.filter.kind == imap::MailboxFilter::Kind::selected;
    }
    const std::vector<imap::FetchItem>& items_of_new() const { return selected_.items; }
    /// Of a mailbox that is not selected.
    unsigned events_of(const store::MailboxInfo& mailbox) const;
    bool wants_server_metadata() const;
    bool wants_names() const;

    /// Begins to listen; what cannot be watched is left out.
    Task<void> add(std::string name, unsigned events);
    Task<void> remove(const std::string& name);
    Task<void> watch_names();
    Task<void> end();

    bool is_dirty() const;
    /// Wakes when is_dirty() or is_selected_dirty may have become true.
    Signal something;
    bool is_selected_dirty = false;
    bool are_names_dirty = false;
    std::map<std::string, store::MailboxInfo> names;
    std::map<std::string, std::string> ids;  ///< RFC 8474: tell a new name from a new mailbox
    std::map<std::string, std::unique_ptr<Watched>> watched;
    store::Properties server;
    std::set<std::string> own_names;  ///< changed by this client itself (RFC 5465 section 5)

private:
    Task<void> listen(Watched& mailbox);
    Task<void> listen_for_names();

    store::Store& store_;
    Scope scope_;
    std::vector<imap::NotifyGroup> groups_;
    imap::NotifyGroup selected_;
    std::unique_ptr<store::Watch> names_watch_;
};

}  // namespace facteur::imapd
