#include "lib/imap/notify.h"

#include <string_view>

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

using Filter = MailboxFilter::Kind;

struct FilterName {
    std::string_view name;
    Filter kind;
};
constexpr FilterName kFilterNames[] = {
    {"SELECTED", Filter::selected},     {"SELECTED-DELAYED", Filter::selected_delayed},
    {"INBOXES", Filter::inboxes},       {"PERSONAL", Filter::personal},
    {"SUBSCRIBED", Filter::subscribed}, {"SUBTREE", Filter::subtree},
    {"MAILBOXES", Filter::mailboxes},   {"SUBTREE-ONE", Filter::subtree_one},
};

struct EventName {
    std::string_view name;
    unsigned bit;
};
constexpr EventName kEventNames[] = {
    {"MESSAGENEW", message_new},
    {"MESSAGEEXPUNGE", message_expunge},
    {"FLAGCHANGE", flag_change},
    {"MAILBOXNAME", mailbox_name_event},
    {"SUBSCRIPTIONCHANGE", subscription_change},
    {"MAILBOXMETADATACHANGE", mailbox_metadata},
    {"SERVERMETADATACHANGE", server_metadata},
};
constexpr std::size_t kMostGroups = 100;

unsigned event_bit(std::string_view name) {
    for (const EventName& known : kEventNames)
        if (known.name == name) return known.bit;
    return 0;
}

bool is_about_selected(const MailboxFilter& filter) {
    return filter.kind == Filter::selected || filter.kind == Filter::selected_delayed;
}

// RFC 5465 section 8: events, behind their "("
Result<void> events(Scanner& scanner, NotifyGroup& group, bool& has_unknown,
                    std::size_t item_limit) {
    for (;;) {
        std::string name = scanner.keyword();
        if (name.empty()) return permanent("Event expected", "5.5.2");
        unsigned bit = event_bit(name);
        has_unknown |= bit == 0;
        group.events |= bit;
        if (bit == message_new && scanner.take(' ')) {
            if (scanner.next_is('(')) {
                TRY(group.items, parse_fetch_items(scanner, item_limit));
            } else {
                continue;
            }
        }
        if (scanner.take(')')) return {};
        TRY_VOID(scanner.sp());
    }
}

// RFC 5465 sections 5, 6.1 and 8: what the grammar alone does not say.
Result<void> check(const NotifyGroup& group) {
    unsigned messages = group.events & kMessageEvents;
    bool is_whole = (messages & message_new) && (messages & message_expunge);
    if (messages != 0 && !is_whole) {
        return permanent("MessageNew and MessageExpunge belong together", "5.5.2");
    }
    if (is_about_selected(group.filter) && messages != group.events) {
        return permanent("Only message events of the selected mailbox", "5.5.2");
    }
    if (!is_about_selected(group.filter) && !group.items.empty()) {
        return permanent("FETCH items are for the selected mailbox", "5.5.2");
    }
    return {};
}

Result<NotifyGroup> event_group(Scanner& scanner, NotifyArguments& arguments,
                                std::size_t name_limit, std::size_t item_limit) {
    NotifyGroup group;
    TRY_VOID(scanner.expect('('));
    TRY(group.filter, parse_mailbox_filter(scanner, name_limit));
    if (group.filter.kind == Filter::subtree_one) return permanent("Unknown filter", "5.5.2");
    TRY_VOID(scanner.sp());
    if (scanner.take('(')) {
        TRY_VOID(events(scanner, group, arguments.has_unknown_event, item_limit));
    } else if (scanner.keyword() != "NONE") {
        return permanent("Events expected", "5.5.2");
    }
    TRY_VOID(scanner.expect(')'));
    if (!arguments.has_unknown_event) {
        TRY_VOID(check(group));
    }
    return group;
}

}  // namespace

Result<MailboxFilter> parse_mailbox_filter(Scanner& scanner, std::size_t limit) {
    MailboxFilter filter;
    std::string name = scanner.keyword();
    const FilterName* found = nullptr;
    for (const FilterName& known : kFilterNames)
        if (known.name == name) found = &known;
    if (found == nullptr) return permanent("Unknown mailbox filter", "5.5.2");
    filter.kind = found->kind;
    bool has_names = filter.kind == Filter::subtree || filter.kind == Filter::mailboxes ||
                     filter.kind == Filter::subtree_one;
    if (!has_names) return filter;
    TRY_VOID(scanner.sp());
    bool is_list = scanner.take('(');
    for (;;) {
        TRY(std::string mailbox, scanner.astring());
        if (filter.names.size() == limit) return permanent("Too many mailboxes", "5.5.2");
        filter.names.push_back(std::move(mailbox));
        if (!is_list || scanner.take(')')) return filter;
        TRY_VOID(scanner.sp());
    }
}

Result<NotifyArguments> parse_notify(Scanner& scanner, std::size_t name_limit,
                                     std::size_t item_limit) {
    NotifyArguments arguments;
    TRY_VOID(scanner.sp());
    std::string form = scanner.keyword();
    arguments.is_none = form == "NONE";
    if (!arguments.is_none && form != "SET") return permanent("SET or NONE expected", "5.5.2");
    if (!arguments.is_none) {
        arguments.wants_status = scanner.take(" STATUS");
        bool has_selected = false;
        do {
            TRY_VOID(scanner.sp());
            TRY(NotifyGroup group, event_group(scanner, arguments, name_limit, item_limit));
            // RFC 5465 section 6.1: one of the two, once.
            bool is_selected = is_about_selected(group.filter);
            if ((is_selected && has_selected) || arguments.groups.size() == kMostGroups) {
                return permanent("Too many event groups", "5.5.2");
            }
            has_selected |= is_selected;
            arguments.groups.push_back(std::move(group));
        } while (!scanner.at_end());
    }
    TRY_VOID(scanner.end());
    return arguments;
}

}  // namespace facteur::imap
