#include "imapd/fetch_quick.h"

#include <charconv>

#include "imapd/fetch.h"
#include "imapd/store_terms.h"
#include "lib/imap/response.h"

namespace facteur::imapd {

namespace {

using QuickKind = imap::FetchItem::Kind;

void append_number(std::string& out, std::uint64_t number) {
    char text[24];
    out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
}

/// The fields that a section names, when the summary has them all.
std::optional<store::FieldSet> fields_of(const imap::FetchItem& item) {
    const imap::Section& section = item.section;
    if (!section.part.empty() || section.text != imap::Section::Text::header_fields) return {};
    return store::summary_fields(section.fields);
}

}  // namespace

std::optional<QuickFetch> QuickFetch::make(const std::vector<imap::FetchItem>& items,
                                           const FetchForm& form) {
    QuickFetch quick;
    quick.without_recent_ = form.without_recent;
    quick.uid_only_ = form.uid_only;
    for (const imap::FetchItem& wanted : items) {
        Item item;
        item.kind = wanted.kind;
        item.name = imap::response_name(wanted) + " ";
        item.partial = wanted.partial;
        switch (wanted.kind) {
            case QuickKind::flags:
            case QuickKind::uid:
            case QuickKind::internal_date:
            case QuickKind::size:
            case QuickKind::modseq:
                break;
            case QuickKind::envelope:
            case QuickKind::body_structure:
                quick.needs_summary_ = true;
                break;
            case QuickKind::section: {
                auto fields = fields_of(wanted);
                if (!fields || wanted.sets_seen()) return std::nullopt;
                item.fields = *fields;
                quick.needs_summary_ = true;
                break;
            }
            default:
                return std::nullopt;
        }
        quick.items_.push_back(std::move(item));
    }
    return quick;
}

void QuickFetch::append_item(std::string& out, const Item& item, const store::Message& message,
                             const std::vector<std::string>& keywords,
                             const store::SummaryView* view) const {
    out += item.name;
    switch (item.kind) {
        case QuickKind::flags: {
            store::Message told = message;
            told.recent &= !without_recent_;
            imap::append_flags(out, to_imap_flags(told), keywords_of(told, keywords));
            break;
        }
        case QuickKind::uid:
            append_number(out, message.uid);
            break;
        case QuickKind::internal_date:
            imap::append_date_time(out, WallTime(Seconds(message.internal_date)));
            break;
        case QuickKind::size:
            append_number(out, message.size);
            break;
        case QuickKind::modseq:
            out += '(';
            append_number(out, told_modseq(message.modseq));
            out += ')';
            break;
        case QuickKind::envelope:
            out += view->envelope;
            break;
        case QuickKind::body_structure:
            out += view->body_structure;
            break;
        default: {
            // RFC 3501 section 6.4.5: HEADER.FIELDS ends with the empty line.
            std::string chosen;
            view->append_fields(chosen, item.fields);
            chosen += "\r\n";
            imap::Span span = clip(imap::Span{0, chosen.size()}, item.partial);
            out += '{';
            append_number(out, span.size);
            out += "}\r\n";
            out.append(chosen, static_cast<std::size_t>(span.offset),
                       static_cast<std::size_t>(span.size));
        }
    }
}

void QuickFetch::append(std::string& out, std::uint32_t sequence, const store::Message& message,
                        const std::vector<std::string>& keywords,
                        const store::SummaryView* view) const {
    out += "* ";
    append_number(out, uid_only_ ? message.uid : sequence);
    out += uid_only_ ? " UIDFETCH (" : " FETCH (";
    for (const Item& item : items_) {
        append_item(out, item, message, keywords, view);
        out += ' ';
    }
    out.back() = ')';
    out += "\r\n";
}

}  // namespace facteur::imapd
