#include "imapd/fetch.h"

#include <algorithm>
#include <functional>

#include "imapd/message_buffer.h"
#include "imapd/object_id.h"
#include "imapd/store_terms.h"
#include "lib/base/text.h"
#include "lib/event/yield.h"
#include "lib/imap/response.h"
#include "lib/imap/structure.h"
#include "lib/mime/encoded_word.h"
#include "lib/mime/envelope.h"
#include "lib/mime/header.h"

namespace facteur::imapd {

namespace {

using FetchKind = imap::FetchItem::Kind;
using Text = imap::Section::Text;

constexpr std::uint64_t kHeaderLimit = 4 << 20;  ///< of a header that is read to choose from

/// The old names are sections too (RFC 3501 section 6.4.5).
imap::Section section_of(const imap::FetchItem& item) {
    imap::Section section = item.section;
    if (item.kind == FetchKind::rfc822_header) section.text = Text::header;
    if (item.kind == FetchKind::rfc822_text) section.text = Text::text;
    return section;
}

bool is_section(FetchKind kind) {
    return kind == FetchKind::section || kind == FetchKind::rfc822 ||
           kind == FetchKind::rfc822_header || kind == FetchKind::rfc822_text;
}

imap::FetchItem item_of(FetchKind kind) {
    imap::FetchItem item;
    item.kind = kind;
    return item;
}

bool is_identity(std::string_view encoding) {
    return encoding.empty() || encoding == "7bit" || encoding == "8bit" || encoding == "binary";
}

bool knows_encoding(std::string_view encoding) {
    return is_identity(encoding) || encoding == "base64" || encoding == "quoted-printable";
}

bool is_whole_message(const imap::Section& section) {
    return section.part.empty() && section.text == Text::all;
}

/// Summary::fields can answer it without a look at the message.
bool is_summarized(const imap::Section& section) {
    return section.part.empty() && section.text == Text::header_fields &&
           store::summary_has(section.fields);
}

std::string read_span(int fd, imap::Span span) {
    return read_bytes(fd, span.offset, static_cast<std::size_t>(std::min(span.size, kHeaderLimit)));
}

}  // namespace

// RFC 3501 section 6.4.5: HEADER.FIELDS and its negation always end with the empty line.
std::string chosen_fields(std::string_view header, const imap::Section& section) {
    std::string chosen;
    mime::FieldReader reader(header);
    mime::Field field;
    while (reader.next(field)) {
        bool is_named = std::any_of(section.fields.begin(), section.fields.end(),
                                    [&](const std::string& n) { return iequals(n, field.name); });
        if (is_named == (section.text == Text::header_fields)) chosen += field.raw;
    }
    return chosen + "\r\n";
}

imap::Span clip(imap::Span span, const std::optional<imap::Partial>& partial) {
    if (!partial) return span;
    std::uint64_t skip = std::min<std::uint64_t>(partial->offset, span.size);
    return imap::Span{span.offset + skip,
                      std::min<std::uint64_t>(partial->length, span.size - skip)};
}

Fetch::Fetch(store::Mailbox& mailbox, Output& out, WorkerPool& workers,
             std::vector<imap::FetchItem> items, FetchForm form)
    : mailbox_(mailbox), out_(out), workers_(workers), items_(std::move(items)) {
    without_recent_ = form.without_recent;
    uid_only_ = form.uid_only;
    bool has_uid = form.with_uid && !form.uid_only;
    bool asks_flags = false;
    bool asks_modseq = false;
    bool asks_uid = false;
    for (const imap::FetchItem& item : items_) {
        asks_uid |= item.kind == FetchKind::uid;
        sets_seen_ |= item.sets_seen();
        asks_flags |= item.kind == FetchKind::flags;
        asks_modseq |= item.kind == FetchKind::modseq;
        asks_size_ |= item.kind == FetchKind::size;
        bool is_structure = item.kind == FetchKind::body || item.kind == FetchKind::body_structure;
        needs_structure_ |= is_structure;
        bool is_binary = item.kind == FetchKind::binary || item.kind == FetchKind::binary_size;
        needs_summary_ |= is_structure || is_binary || item.kind == FetchKind::envelope ||
                          item.kind == FetchKind::preview || item.kind == FetchKind::email_id ||
                          item.kind == FetchKind::thread_id;
        needs_digest_ |= item.kind == FetchKind::email_id || item.kind == FetchKind::thread_id;
        needs_content_ |= is_binary;
        if (!is_section(item.kind)) continue;
        imap::Section section = section_of(item);
        needs_summary_ |= !is_whole_message(section);
        needs_content_ |= !is_summarized(section);
    }
    if (has_uid && !asks_uid) items_.insert(items_.begin(), item_of(FetchKind::uid));
    quick_ = QuickFetch::make(items_, form);
    if (!asks_flags) seen_items_.push_back(item_of(FetchKind::flags));
    if (form.seen_with_uid && !asks_uid && !has_uid && !uid_only_)
        seen_items_.push_back(item_of(FetchKind::uid));
    if (form.seen_with_modseq && !asks_modseq) seen_items_.push_back(item_of(FetchKind::modseq));
}

Task<Result<void>> Fetch::send(const std::vector<std::uint32_t>& sequences, bool tell_flags) {
    if (asks_size_) {
        std::vector<std::uint32_t> unknown;
        for (std::uint32_t sequence : sequences) {
            store::Message message = mailbox_.message(sequence);
            if (message.size == 0 && !message.expunged) unknown.push_back(message.uid);
        }
        if (!unknown.empty()) {
            CO_TRY_VOID(co_await mailbox_.measure(std::move(unknown)));
        }
    }
    if (quick_) {
        auto sent = co_await send_quickly(sequences);
        co_return sent;
    }
    for (std::uint32_t sequence : sequences) {
        CO_TRY_VOID(co_await slow_one(sequence, tell_flags));
    }
    co_return Result<void>();
}

Task<Result<void>> Fetch::slow_one(std::uint32_t sequence, bool tell_flags) {
    Loaded loaded;
    loaded.message = mailbox_.message(sequence);
    loaded.message.recent &= !without_recent_;
    CO_TRY(bool is_there, co_await load(loaded));
    if (is_there) {
        co_await one(sequence, loaded, tell_flags);
    } else {
        is_missing_ = true;
    }
    co_return Result<void>();
}

/// False when the index does not know enough.
bool Fetch::quick_one(std::uint32_t sequence, std::string& out) {
    store::Message message = mailbox_.message(sequence);
    if (message.expunged) {
        is_missing_ = true;
        return true;
    }
    if (!quick_->needs_summary()) {
        quick_->append(out, sequence, message, mailbox_.keywords(), nullptr);
        return true;
    }
    auto show = [&](const store::SummaryView& view) {
        quick_->append(out, sequence, message, mailbox_.keywords(), &view);
    };
    return mailbox_.peek(message.uid, std::ref(show));
}

Task<Result<void>> Fetch::send_quickly(const std::vector<std::uint32_t>& sequences) {
    std::string lines;
    bool is_prepared = false;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        bool is_told = quick_one(sequences[i], lines);
        if (!is_told && !is_prepared) {
            std::vector<std::uint32_t> uids;
            for (std::size_t rest = i; rest < sequences.size(); ++rest)
                uids.push_back(mailbox_.uid(sequences[rest]));
            CO_TRY_VOID(co_await mailbox_.summarize(std::move(uids)));
            is_prepared = true;
            is_told = quick_one(sequences[i], lines);
        }
        if (!is_told) {
            out_.put(lines);
            lines.clear();
            CO_TRY_VOID(co_await slow_one(sequences[i], false));
        }
        // NOTIFY and UPDATE tell all new messages in one go.
        constexpr std::size_t kTurn = 64;
        if (i % kTurn != kTurn - 1 || i + 1 == sequences.size()) continue;
        out_.put(lines);
        lines.clear();
        co_await out_.room();
        co_await Yield();
    }
    out_.put(lines);
    co_await out_.room();
    co_return Result<void>();
}

/// False when the message is gone.
Task<Result<bool>> Fetch::load(Loaded& loaded) {
    if (loaded.message.expunged) co_return false;
    bool needs_content = needs_content_;
    if (needs_summary_) {
        auto summary = co_await mailbox_.summary(loaded.message.uid);
        if (!summary && summary.error().status == "5.7.0") co_return false;
        if (!summary) co_return std::unexpected(summary.error());
        loaded.summary = *std::move(summary);
        needs_content |= needs_structure_ && imap::has_message(loaded.summary.structure);
    }
    needs_content |= needs_digest_ && loaded.summary.digest.empty();
    if (needs_content) {
        auto content = co_await mailbox_.content(loaded.message.uid);
        if (!content && content.error().status == "5.7.0") co_return false;
        if (!content) co_return std::unexpected(content.error());
        loaded.content = *std::move(content);
    }
    if (needs_digest_ && loaded.summary.digest.empty()) {
        std::function<std::string()> work = [&loaded] {
            return store::message_digest(read_bytes(loaded.content.fd.get(), 0,
                                                    static_cast<std::size_t>(loaded.content.size)));
        };
        loaded.summary.digest = co_await workers_.run<std::string>(std::move(work));
    }
    co_return true;
}

Task<void> Fetch::one(std::uint32_t sequence, const Loaded& loaded, bool tell_flags) {
    if (uid_only_) {
        out_.put("* " + std::to_string(loaded.message.uid) + " UIDFETCH (");
    } else {
        out_.put("* " + std::to_string(sequence) + " FETCH (");
    }
    bool is_first = true;
    for (const imap::FetchItem& wanted : items_) {
        if (!is_first) out_.put(" ");
        is_first = false;
        co_await item(wanted, loaded);
    }
    for (const imap::FetchItem& seen : seen_items_) {
        if (!tell_flags) break;
        std::string text = " ";
        short_item(text, seen, loaded);
        out_.put(text);
    }
    out_.put(")\r\n");
    co_await out_.room();
}

Task<void> Fetch::item(const imap::FetchItem& item, const Loaded& loaded) {
    if (is_section(item.kind)) {
        out_.put(imap::response_name(item));
        out_.put(" ");
        co_await section(item, loaded);
        co_return;
    }
    if (item.kind == FetchKind::binary || item.kind == FetchKind::binary_size) {
        co_await binary(item, loaded);
        co_return;
    }
    std::string text;
    short_item(text, item, loaded);
    out_.put(text);
}

void Fetch::short_item(std::string& out, const imap::FetchItem& item, const Loaded& loaded) const {
    const store::Message& message = loaded.message;
    out += imap::response_name(item);
    out += ' ';
    auto header = [&](std::uint64_t offset, std::uint64_t size) {
        return read_span(loaded.content.fd.get(), imap::Span{offset, size});
    };
    switch (item.kind) {
        case FetchKind::flags:
            imap::append_flags(out, to_imap_flags(message),
                               keywords_of(message, mailbox_.keywords()));
            break;
        case FetchKind::uid:
            out += std::to_string(message.uid);
            break;
        case FetchKind::internal_date:
            imap::append_date_time(out, WallTime(Seconds(message.internal_date)));
            break;
        case FetchKind::save_date:
            if (message.save_date == 0) {
                imap::append_nil(out);
            } else {
                imap::append_date_time(out, WallTime(Seconds(message.save_date)));
            }
            break;
        case FetchKind::size:
            out += std::to_string(message.size);
            break;
        case FetchKind::modseq:
            out += "(" + std::to_string(told_modseq(message.modseq)) + ")";
            break;
        case FetchKind::envelope:
            imap::append_envelope(out, mime::parse_envelope(loaded.summary.fields));
            break;
        case FetchKind::email_id:
            out += "(" + email_id(loaded.summary.digest) + ")";
            break;
        case FetchKind::thread_id:
            out += "(" + thread_id(loaded.summary.fields, loaded.summary.digest) + ")";
            break;
        case FetchKind::preview:
            imap::append_string(out, loaded.summary.preview);
            break;
        case FetchKind::body:
        case FetchKind::body_structure:
            imap::append_body_structure(out, loaded.summary.structure,
                                        item.kind == FetchKind::body_structure, header);
            break;
        default:
            break;  // sections are sent by section()
    }
}

Task<void> Fetch::bytes(const imap::FetchItem& item, std::string_view text) {
    imap::Span span = clip(imap::Span{0, text.size()}, item.partial);
    text = text.substr(static_cast<std::size_t>(span.offset), static_cast<std::size_t>(span.size));
    std::string mark;
    imap::append_literal_mark(mark, text.size());
    out_.put(mark);
    out_.put(text);
    co_await out_.room();
}

// RFC 3516 section 4.3: what the part holds, its transfer encoding undone.
Task<void> Fetch::binary(const imap::FetchItem& item, const Loaded& loaded) {
    out_.put(imap::response_name(item));
    out_.put(" ");
    auto span = imap::locate(loaded.summary.structure, loaded.content.size, item.section);
    const mime::Part* part = imap::find_part(loaded.summary.structure, item.section.part);
    std::string encoding = part != nullptr ? part->encoding : std::string();
    bool is_known = knows_encoding(encoding);
    has_unknown_encoding_ |= span && !is_known;
    if (!span || !is_known) {
        out_.put(item.kind == FetchKind::binary ? "NIL" : "0");
        co_return;
    }
    imap::Span place = *span;
    std::function<std::string()> work = [&loaded, &encoding, place] {
        std::string body =
            read_bytes(loaded.content.fd.get(), place.offset, static_cast<std::size_t>(place.size));
        return is_identity(encoding) ? body : mime::decode_transfer(body, encoding);
    };
    std::string decoded = co_await workers_.run<std::string>(std::move(work));
    if (item.kind == FetchKind::binary_size) {
        out_.put(std::to_string(decoded.size()));
        co_return;
    }
    imap::Span wanted = clip(imap::Span{0, decoded.size()}, item.partial);
    std::string_view piece = std::string_view(decoded).substr(
        static_cast<std::size_t>(wanted.offset), static_cast<std::size_t>(wanted.size));
    // RFC 3516 section 4.2: a literal8 for what no other string may hold.
    if (piece.find('\0') != std::string_view::npos) out_.put("~");
    std::string mark;
    imap::append_literal_mark(mark, piece.size());
    out_.put(mark);
    out_.put(piece);
    co_await out_.room();
}

Task<void> Fetch::section(const imap::FetchItem& item, const Loaded& loaded) {
    imap::Section wanted = section_of(item);
    if (is_summarized(wanted)) {
        std::string fields = chosen_fields(loaded.summary.fields, wanted);
        co_await bytes(item, fields);
        co_return;
    }
    auto span = imap::locate(loaded.summary.structure, loaded.content.size, wanted);
    if (!span) {
        out_.put("NIL");
        co_return;
    }
    if (wanted.text == Text::header_fields || wanted.text == Text::header_fields_not) {
        std::string header = read_span(loaded.content.fd.get(), *span);
        std::string fields = chosen_fields(header, wanted);
        co_await bytes(item, fields);
        co_return;
    }
    imap::Span part = clip(*span, item.partial);
    std::string mark;
    imap::append_literal_mark(mark, static_cast<std::size_t>(part.size));
    out_.put(mark);
    co_await out_.file(loaded.content.fd.get(), part);
}

}  // namespace facteur::imapd
