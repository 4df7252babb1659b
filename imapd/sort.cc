#include "imapd/sort.h"

#include <algorithm>
#include <functional>

#include "imapd/search_text.h"
#include "lib/imap/thread.h"
#include "lib/mime/address.h"
#include "lib/mime/encoded_word.h"
#include "lib/mime/header.h"

namespace facteur::imapd {

namespace {

using SortKind = imap::SortKey::Kind;

// RFC 5256 section 2.2: in UTC; when there is no valid Date, the time of arrival.
std::int64_t sent_date(const store::SummaryView& view, const store::Message& message) {
    return view.sent.value_or(message.internal_date);
}

// RFC 5256 section 3: the local part of the first address; RFC 5957 section 3: its display name,
// or the whole address when it has none.
std::string first_address(std::string_view fields, const char* field, bool display) {
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

/// What the criteria compare, a column each: a number, or a text that begins with these bytes.
class Columns {
public:
    explicit Columns(const std::vector<imap::SortKey>& keys) : keys_(keys) {}

    void add(std::uint32_t sequence, const store::Message& message,
             const store::SummaryView* view) {
        sequences_.push_back(sequence);
        for (const imap::SortKey& key : keys_)
            add_cell(key.kind, message, view);
    }
    std::vector<std::uint32_t> sorted() const;

private:
    struct Cell {
        std::uint64_t rank = 0;
        std::size_t offset = 0;  ///< of the text
        std::size_t size = 0;
    };
    void add_cell(SortKind kind, const store::Message& message, const store::SummaryView* view);
    void add_number(std::int64_t number) {
        // Unsigned, in the same order.
        cells_.push_back({static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63), 0, 0});
    }
    void add_text(std::string_view text) {
        Cell cell{0, texts_.size(), text.size()};
        for (std::size_t i = 0; i < sizeof cell.rank; ++i) {
            auto byte = i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
            cell.rank = cell.rank << 8 | byte;
        }
        texts_.append(text);
        cells_.push_back(cell);
    }
    std::string_view text(const Cell& cell) const {
        return std::string_view(texts_).substr(cell.offset, cell.size);
    }
    bool comes_before(std::uint32_t a, std::uint32_t b) const;

    const std::vector<imap::SortKey>& keys_;
    std::vector<std::uint32_t> sequences_;
    std::vector<Cell> cells_;  ///< row by row
    std::string texts_;
};

void Columns::add_cell(SortKind kind, const store::Message& message,
                       const store::SummaryView* view) {
    switch (kind) {
        case SortKind::arrival:
            add_number(message.internal_date);
            break;
        case SortKind::size:
            add_number(static_cast<std::int64_t>(message.size));
            break;
        case SortKind::date:
            add_number(sent_date(*view, message));
            break;
        case SortKind::subject:
            add_text(view->subject);
            break;
        case SortKind::cc:
            add_text(first_address(view->fields, "Cc", false));
            break;
        case SortKind::from:
            add_text(first_address(view->fields, "From", false));
            break;
        case SortKind::to:
            add_text(first_address(view->fields, "To", false));
            break;
        case SortKind::display_from:
            add_text(first_address(view->fields, "From", true));
            break;
        case SortKind::display_to:
            add_text(first_address(view->fields, "To", true));
            break;
    }
}

// RFC 5256 section 3: what is equal by all criteria stays in the order of the sequence numbers.
bool Columns::comes_before(std::uint32_t a, std::uint32_t b) const {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        const Cell& left = cells_[(keys_[i].reverse ? b : a) * keys_.size() + i];
        const Cell& right = cells_[(keys_[i].reverse ? a : b) * keys_.size() + i];
        if (left.rank != right.rank) return left.rank < right.rank;
        int order = text(left).compare(text(right));
        if (order != 0) return order < 0;
    }
    return a < b;
}

std::vector<std::uint32_t> Columns::sorted() const {
    struct Row {
        std::uint64_t rank;  ///< of the first criterion, which settles most
        std::uint32_t number;
    };
    std::vector<Row> rows;
    rows.reserve(sequences_.size());
    for (std::uint32_t i = 0; i < sequences_.size(); ++i) {
        std::uint64_t rank = cells_[i * keys_.size()].rank;
        rows.push_back({keys_.front().reverse ? ~rank : rank, i});
    }
    std::sort(rows.begin(), rows.end(), [this](const Row& a, const Row& b) {
        return a.rank != b.rank ? a.rank < b.rank : comes_before(a.number, b.number);
    });
    std::vector<std::uint32_t> sorted;
    sorted.reserve(rows.size());
    for (const Row& row : rows)
        sorted.push_back(sequences_[row.number]);
    return sorted;
}

constexpr std::size_t kIdSize = 8;  ///< in SummaryView::ids

imap::ThreadMessage thread_message(const store::Message& message, const store::SummaryView& view,
                                   std::uint32_t number, bool by_references) {
    imap::ThreadMessage row;
    row.number = number;
    row.date = sent_date(view, message);
    row.subject = std::string(view.subject);
    row.is_reply = view.is_reply;
    if (!by_references) return row;
    for (std::size_t at = 0; at + kIdSize <= view.ids.size(); at += kIdSize) {
        std::string_view id = view.ids.substr(at, kIdSize);
        if (at > 0) {
            row.references.emplace_back(id);
        } else if (id.find_first_not_of('\0') != std::string_view::npos) {
            row.id = std::string(id);
        }
    }
    return row;
}

/// Messages between looks at the clock.
constexpr std::size_t kLook = 128;
/// Messages that are read at a time where the index does not know them yet.
constexpr std::size_t kAhead = 64;

}  // namespace

Task<Result<void>> Sorter::each(const std::vector<std::uint32_t>& sequences, bool reads,
                                const Visit& visit) {
    std::uint32_t sequence = 0;
    store::Message message;
    auto shown = [&](const store::SummaryView& view) { visit(sequence, message, &view); };
    const std::function<void(const store::SummaryView&)> show = std::ref(shown);
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        if (i % kLook == 0) co_await progress_.step(i, sequences.size());
        sequence = sequences[i];
        message = mailbox_.message(sequence);
        if (message.expunged) continue;
        if (!reads) {
            visit(sequence, message, nullptr);
            continue;
        }
        if (mailbox_.peek(message.uid, show)) continue;
        std::vector<std::uint32_t> uids;
        for (std::size_t n = i; n < sequences.size() && n < i + kAhead; ++n)
            uids.push_back(mailbox_.uid(sequences[n]));
        CO_TRY_VOID(co_await mailbox_.summarize(std::move(uids)));
        if (mailbox_.peek(message.uid, show)) continue;
        CO_TRY_VOID(co_await read(sequence, message, visit));
    }
    co_return Result<void>();
}

/// A message whose summary cannot be kept.
Task<Result<void>> Sorter::read(std::uint32_t sequence, store::Message message,
                                const Visit& visit) {
    auto summary = co_await mailbox_.summary(message.uid);
    if (!summary && summary.error().status == "5.7.0") co_return Result<void>();
    if (!summary) co_return std::unexpected(summary.error());
    store::SummaryView view;
    view.sent = summary->keys.sent;
    view.is_reply = summary->keys.is_reply;
    view.subject = summary->keys.subject;
    view.ids = summary->keys.ids;
    view.fields = summary->fields;
    visit(sequence, message, &view);
    co_return Result<void>();
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
    Columns columns(keys);
    Visit add = [&columns](std::uint32_t sequence, const store::Message& message,
                           const store::SummaryView* view) {
        columns.add(sequence, message, view);
    };
    CO_TRY_VOID(co_await each(sequences, reads, add));
    std::function<std::vector<std::uint32_t>()> work = [&columns] { return columns.sorted(); };
    std::vector<std::uint32_t> sorted =
        co_await workers_.run<std::vector<std::uint32_t>>(std::move(work));
    co_return sorted;
}

Task<Result<std::string>> Sorter::thread(std::vector<std::uint32_t> sequences,
                                         imap::ThreadAlgorithm algorithm, bool by_uid) {
    using Algorithm = imap::ThreadAlgorithm;
    bool by_references = algorithm != Algorithm::ordered_subject;
    std::vector<imap::ThreadMessage> messages;
    messages.reserve(sequences.size());
    Visit add = [&](std::uint32_t sequence, const store::Message& message,
                    const store::SummaryView* view) {
        std::uint32_t number = by_uid ? message.uid : sequence;
        messages.push_back(thread_message(message, *view, number, by_references));
        if (algorithm == Algorithm::refs) messages.back().date = message.internal_date;
    };
    CO_TRY_VOID(co_await each(sequences, true, add));
    std::function<std::string()> work = [&messages, by_references, algorithm] {
        if (algorithm == Algorithm::refs) return imap::thread_by_refs(messages);
        return by_references ? imap::thread_by_references(messages)
                             : imap::thread_by_subject(std::move(messages));
    };
    std::string threads = co_await workers_.run<std::string>(std::move(work));
    co_return threads;
}

}  // namespace facteur::imapd
