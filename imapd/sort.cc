#include "imapd/sort.h"

#include <algorithm>
#include <functional>

#include "imapd/search_text.h"
#include "lib/imap/base_subject.h"
#include "lib/imap/thread.h"
#include "lib/mime/address.h"
#include "lib/mime/date.h"
#include "lib/mime/encoded_word.h"
#include "lib/mime/header.h"

namespace facteur::imapd {

namespace {

using SortKind = imap::SortKey::Kind;

/// What one criterion compares: a number or a text.
struct Value {
    std::int64_t number = 0;
    std::string text;
};
struct Row {
    std::uint32_t sequence = 0;
    std::vector<Value> values;
};

// RFC 5256 section 2.2: in UTC; when there is no valid Date, the time of arrival.
std::int64_t sent_date(const std::string& fields, const store::Message& message) {
    auto value = mime::field_value(fields, "Date");
    auto date = value ? mime::parse_date(*value) : std::nullopt;
    return date ? date->time : message.internal_date;
}

imap::BaseSubject subject_of(const std::string& fields) {
    auto value = mime::field_value(fields, "Subject");
    imap::BaseSubject base = imap::base_subject(value ? mime::decode_words(*value) : std::string());
    base.text = fold(base.text);
    return base;
}

// RFC 5256 section 3: the local part of the first address; RFC 5957 section 3: its display name,
// or the whole address when it has none.
std::string first_address(const std::string& fields, const char* field, bool display) {
    auto value = mime::field_value(fields, field);
    if (!value) return std::string();
    std::vector<mime::Address> addresses = mime::parse_addresses(*value, 1);
    if (addresses.empty()) return std::string();
    const mime::Address& first = addresses.front();
    if (!display) return fold(first.mailbox);
    if (!first.name.empty()) return fold(mime::decode_words(first.name));
    // A group's name stands alone (RFC 5957 section 3).
    return fold(first.host.empty() ? first.mailbox : first.mailbox + "@" + first.host);
}

bool needs_fields(SortKind kind) {
    return kind != SortKind::arrival && kind != SortKind::size;
}

Value value_of(SortKind kind, const store::Message& message, const std::string& fields) {
    Value value;
    switch (kind) {
        case SortKind::arrival:
            value.number = message.internal_date;
            break;
        case SortKind::size:
            value.number = static_cast<std::int64_t>(message.size);
            break;
        case SortKind::date:
            value.number = sent_date(fields, message);
            break;
        case SortKind::subject:
            value.text = subject_of(fields).text;
            break;
        case SortKind::cc:
            value.text = first_address(fields, "Cc", false);
            break;
        case SortKind::from:
            value.text = first_address(fields, "From", false);
            break;
        case SortKind::to:
            value.text = first_address(fields, "To", false);
            break;
        case SortKind::display_from:
            value.text = first_address(fields, "From", true);
            break;
        case SortKind::display_to:
            value.text = first_address(fields, "To", true);
            break;
    }
    return value;
}

// RFC 5256 section 3: what is equal by all criteria stays in the order of the sequence numbers.
bool comes_before(const Row& a, const Row& b, const std::vector<imap::SortKey>& keys) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const Value& left = keys[i].reverse ? b.values[i] : a.values[i];
        const Value& right = keys[i].reverse ? a.values[i] : b.values[i];
        if (left.number != right.number) return left.number < right.number;
        if (left.text != right.text) return left.text < right.text;
    }
    return a.sequence < b.sequence;
}

// RFC 5256 section 3: In-Reply-To counts, its first id alone, when there are no references.
std::vector<std::string> references_of(const std::string& fields) {
    auto references = mime::field_value(fields, "References");
    std::vector<std::string> ids;
    if (references) ids = imap::message_ids(*references);
    if (!ids.empty()) return ids;
    auto in_reply_to = mime::field_value(fields, "In-Reply-To");
    if (in_reply_to) ids = imap::message_ids(*in_reply_to, 1);
    return ids;
}

imap::ThreadMessage thread_message(const store::Message& message, const std::string& fields,
                                   std::uint32_t number, bool by_references) {
    imap::ThreadMessage row;
    row.number = number;
    row.date = sent_date(fields, message);
    imap::BaseSubject subject = subject_of(fields);
    row.subject = std::move(subject.text);
    row.is_reply = subject.is_reply;
    if (!by_references) return row;
    auto id = mime::field_value(fields, "Message-ID");
    std::vector<std::string> ids;
    if (id) ids = imap::message_ids(*id, 1);
    if (!ids.empty()) row.id = std::move(ids.front());
    row.references = references_of(fields);
    return row;
}

}  // namespace

Task<Result<bool>> Sorter::load(std::uint32_t uid, std::string& fields) {
    auto summary = co_await mailbox_.summary(uid);
    if (!summary && summary.error().status == "5.7.0") co_return false;
    if (!summary) co_return std::unexpected(summary.error());
    fields = std::move(summary->fields);
    co_return true;
}

Task<Result<std::vector<std::uint32_t>>> Sorter::sort(std::vector<std::uint32_t> sequences,
                                                      std::vector<imap::SortKey> keys) {
    bool reads = false;
    bool measures = false;
    for (const imap::SortKey& key : keys) {
        reads |= needs_fields(key.kind);
        measures |= key.kind == SortKind::size;
    }
    if (measures) {
        std::vector<std::uint32_t> uids;
        for (std::uint32_t sequence : sequences)
            uids.push_back(mailbox_.uid(sequence));
        CO_TRY_VOID(co_await mailbox_.measure(std::move(uids)));
    }
    std::vector<Row> rows;
    std::string fields;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        co_await progress_.step(i + 1, sequences.size());
        store::Message message = mailbox_.message(sequences[i]);
        bool is_there = !message.expunged;
        if (is_there && reads) {
            CO_TRY(is_there, co_await load(message.uid, fields));
        }
        if (!is_there) continue;
        Row& row = rows.emplace_back();
        row.sequence = sequences[i];
        for (const imap::SortKey& key : keys)
            row.values.push_back(value_of(key.kind, message, fields));
    }
    std::function<std::vector<std::uint32_t>()> work = [&rows, &keys] {
        std::sort(rows.begin(), rows.end(),
                  [&keys](const Row& a, const Row& b) { return comes_before(a, b, keys); });
        std::vector<std::uint32_t> sorted;
        for (const Row& row : rows)
            sorted.push_back(row.sequence);
        return sorted;
    };
    std::vector<std::uint32_t> sorted =
        co_await workers_.run<std::vector<std::uint32_t>>(std::move(work));
    co_return sorted;
}

Task<Result<std::string>> Sorter::thread(std::vector<std::uint32_t> sequences,
                                         imap::ThreadAlgorithm algorithm, bool by_uid) {
    using Algorithm = imap::ThreadAlgorithm;
    bool by_references = algorithm != Algorithm::ordered_subject;
    std::vector<imap::ThreadMessage> messages;
    std::string fields;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        co_await progress_.step(i + 1, sequences.size());
        store::Message message = mailbox_.message(sequences[i]);
        if (message.expunged) continue;
        CO_TRY(bool is_there, co_await load(message.uid, fields));
        if (!is_there) continue;
        std::uint32_t number = by_uid ? message.uid : sequences[i];
        messages.push_back(thread_message(message, fields, number, by_references));
        if (algorithm == Algorithm::refs) messages.back().date = message.internal_date;
    }
    std::function<std::string()> work = [&messages, by_references, algorithm] {
        if (algorithm == Algorithm::refs) return imap::thread_by_refs(messages);
        return by_references ? imap::thread_by_references(messages)
                             : imap::thread_by_subject(std::move(messages));
    };
    std::string threads = co_await workers_.run<std::string>(std::move(work));
    co_return threads;
}

}  // namespace facteur::imapd
