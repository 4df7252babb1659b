// Annotations: RFC 5464, and LIST RETURN (METADATA …) of RFC 9590.

#include <algorithm>

#include "imapd/session.h"
#include "lib/base/text.h"
#include "lib/imap/metadata.h"
#include "lib/imap/response.h"

namespace facteur::imapd {

namespace {

constexpr std::string_view kAdmin = "/shared/admin";

// RFC 5464 section 5: value = nstring / literal8
void append_value(std::string& out, const std::string& value) {
    if (value.find('\0') == std::string::npos) {
        imap::append_string(out, value);
        return;
    }
    out += '~';
    imap::append_literal_mark(out, value.size());
    out += value;
}

}  // namespace

std::size_t Session::metadata_limit() const {
    return static_cast<std::size_t>(settings_.metadata_entry_limit());
}

// RFC 5464 section 6.2.2: who to ask; the administrator's, not the user's, to say.
void Session::add_server_entries(store::Properties& properties) const {
    properties[std::string(kAdmin)] = "mailto:postmaster@" + settings_.mydomain();
}

/// The size of the largest value that was left out; a line only when there is something to tell.
std::size_t Session::tell_metadata(const std::string& wire, const store::Properties& properties,
                                   const imap::MetadataQuery& query) {
    std::size_t left_out = 0;
    std::string values;
    auto add = [&](const std::string& entry, const std::string* value) {
        if (!values.empty()) values += ' ';
        imap::append_astring(values, entry);
        values += ' ';
        if (value == nullptr) return imap::append_nil(values);
        append_value(values, *value);
    };
    for (const auto& [entry, value] : properties) {
        if (!imap::asks_for(query, entry)) continue;
        if (query.max_size && value.size() > *query.max_size) {
            left_out = std::max(left_out, value.size());
        } else {
            add(entry, &value);
        }
    }
    // RFC 9590 section 3: what has no value is told as NIL.
    for (const std::string& entry : query.entries) {
        bool is_leaf = query.depth == imap::MetadataQuery::Depth::zero;
        if (is_leaf && !properties.contains(entry)) add(entry, nullptr);
    }
    if (values.empty()) return left_out;
    std::string line = "* METADATA ";
    imap::append_astring(line, wire);
    out_.put(line + " (" + values + ")\r\n");
    return left_out;
}

// RFC 5464 section 4.2
Task<Reply> Session::do_getmetadata(Command& command) {
    auto wanted = imap::parse_get_metadata(command.arguments, metadata_limit());
    if (!wanted) co_return bad(wanted.error());
    auto name = utf8_name(wanted->mailbox);
    if (!name) co_return no("[CANNOT] Mailbox name is not valid.");
    auto properties = co_await store_.properties(*name);
    if (!properties) co_return refused(properties.error());
    if (name->empty()) add_server_entries(*properties);
    std::size_t left_out = tell_metadata(wanted->mailbox, *properties, wanted->query);
    if (left_out > 0) {
        co_return ok("[METADATA LONGENTRIES " + std::to_string(left_out) +
                     "] Some values are too long.");
    }
    co_return ok("Getmetadata completed.");
}

/// What forbids that value, if something does.
std::optional<Reply> Session::refuse_metadata(const std::string& mailbox, const std::string& entry,
                                              const std::optional<std::string>& value) const {
    std::size_t limit = settings_.metadata_value_limit();
    if (value && value->size() > limit) {
        return no("[METADATA MAXSIZE " + std::to_string(limit) + "] Value is too long.");
    }
    // RFC 5464 section 6.2: what is true for all users is the administrator's to say.
    if (mailbox.empty() && entry.starts_with("/shared/")) {
        return no("[NOPERM] Only the administrator may set this.");
    }
    // RFC 6154 section 5.4: one that a mailbox may have.
    if (entry == store::kSpecialUse && value) {
        store::Role role = store::role_named(trim(*value));
        if (mailbox.empty() || !may_be_given(role)) return no("[USEATTR] Invalid special use.");
    }
    return std::nullopt;
}

// RFC 5464 section 4.3: all of it or nothing.
Task<Reply> Session::do_setmetadata(Command& command) {
    auto wanted = imap::parse_set_metadata(command.arguments, metadata_limit());
    if (!wanted) co_return bad(wanted.error());
    auto name = utf8_name(wanted->mailbox);
    if (!name) co_return no("[CANNOT] Mailbox name is not valid.");
    std::vector<store::PropertyChange> changes;
    for (auto& [entry, value] : wanted->values) {
        auto refusal = refuse_metadata(*name, entry, value);
        if (refusal) co_return *std::move(refusal);
        changes.push_back(store::PropertyChange{entry, std::move(value)});
    }
    auto set = co_await store_.set_properties(*name, std::move(changes), metadata_limit());
    if (!set && set.error().status == "5.2.2") {
        co_return no("[METADATA TOOMANY] Too many annotations.");
    }
    if (!set) co_return refused(set.error());
    if (name->empty()) {
        has_own_server_metadata_ = notify_ != nullptr;
    } else {
        note_own_name(*name);
    }
    co_return ok("Setmetadata completed.");
}

// RFC 9590 section 3: behind the LIST response of each mailbox.
Task<void> Session::tell_list_metadata(std::string name, const imap::MetadataQuery& query) {
    auto properties = co_await store_.properties(name);
    if (properties) (void)tell_metadata(wire_name(name), *properties, query);
}

}  // namespace facteur::imapd
