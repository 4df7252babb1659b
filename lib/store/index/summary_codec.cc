#include "lib/store/index/summary_codec.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include <openssl/evp.h>

#include "lib/base/text.h"
#include "lib/imap/base_subject.h"
#include "lib/imap/structure.h"
#include "lib/imap/thread.h"
#include "lib/mime/casemap.h"
#include "lib/mime/date.h"
#include "lib/mime/encoded_word.h"
#include "lib/mime/envelope.h"
#include "lib/mime/header.h"
#include "lib/mime/preview.h"
#include "lib/store/index/bytes.h"

namespace facteur::store {
namespace {

constexpr std::uint64_t kVersion = 3;
constexpr std::uint64_t kHasSent = 1, kIsReply = 2;
constexpr unsigned kMostDepth = 200;

/// The fields that clients ask for in their message lists, in lower case and sorted; what is
/// here is complete in every Summary.  A change here or in what the keys of SORT are made of needs
/// a new kVersion.
constexpr std::array<std::string_view, 30> kSummaryFields = {
    "bcc",        "cc",           "content-type",
    "date",       "delivered-to", "disposition-notification-to",
    "from",       "importance",   "in-reply-to",
    "list-id",    "list-post",    "list-unsubscribe",
    "message-id", "mime-version", "newsgroups",
    "precedence", "priority",     "references",
    "reply-to",   "resent-date",  "return-path",
    "sender",     "subject",      "thread-topic",
    "to",         "user-agent",   "x-mailer",
    "x-priority", "x-spam-flag",  "x-spam-status"};

/// Its place in kSummaryFields.
std::optional<unsigned> field_number(std::string_view name) {
    if (name.size() > 32) return std::nullopt;
    std::string key = to_lower(name);
    auto at = std::lower_bound(kSummaryFields.begin(), kSummaryFields.end(), key);
    if (at == kSummaryFields.end() || *at != key) return std::nullopt;
    return static_cast<unsigned>(at - kSummaryFields.begin());
}

void add_fields(std::string& out, std::string_view header) {
    mime::FieldReader reader(header);
    mime::Field field;
    while (reader.next(field)) {
        if (!field_number(field.name)) continue;
        out.append(field.raw);
        if (!field.raw.ends_with('\n')) out.append("\r\n");
    }
}

/// Number and length of each field; empty when that does not describe them all.
std::string table_of(std::string_view fields) {
    index::ByteWriter out;
    std::size_t told = 0;
    mime::FieldReader reader(fields);
    mime::Field field;
    while (reader.next(field)) {
        auto number = field_number(field.name);
        if (!number) return {};
        out.number(*number);
        out.number(field.raw.size());
        told += field.raw.size();
    }
    return told == fields.size() ? out.take() : std::string();
}

void put(index::ByteWriter& out, const std::vector<mime::Parameter>& parameters) {
    out.number(parameters.size());
    for (const mime::Parameter& parameter : parameters) {
        out.text(parameter.name);
        out.text(parameter.value);
    }
}

std::vector<mime::Parameter> get_parameters(index::ByteReader& in) {
    std::vector<mime::Parameter> parameters(in.number_up_to(in.left()));
    for (mime::Parameter& parameter : parameters) {
        parameter.name = std::string(in.text());
        parameter.value = std::string(in.text());
    }
    return parameters;
}

void put(index::ByteWriter& out, const mime::Part& part) {
    for (const std::string* text :
         {&part.type, &part.subtype, &part.encoding, &part.id, &part.description, &part.md5,
          &part.location, &part.disposition})
        out.text(*text);
    put(out, part.parameters);
    put(out, part.disposition_parameters);
    out.number(part.languages.size());
    for (const std::string& language : part.languages)
        out.text(language);
    for (std::uint64_t number :
         {part.header_offset, part.body_offset, part.body_size, part.body_lines})
        out.number(number);
    out.number(part.children.size());
    for (const mime::Part& child : part.children)
        put(out, child);
}

void get(index::ByteReader& in, mime::Part& part, unsigned depth) {
    for (std::string* text : {&part.type, &part.subtype, &part.encoding, &part.id,
                              &part.description, &part.md5, &part.location, &part.disposition})
        *text = std::string(in.text());
    part.parameters = get_parameters(in);
    part.disposition_parameters = get_parameters(in);
    part.languages.resize(in.number_up_to(in.left()));
    for (std::string& language : part.languages)
        language = std::string(in.text());
    for (std::uint64_t* number :
         {&part.header_offset, &part.body_offset, &part.body_size, &part.body_lines})
        *number = in.number();
    std::uint64_t children = in.number_up_to(depth < kMostDepth ? in.left() : 0);
    for (; children > 0 && !in.failed(); --children)
        get(in, part.children.emplace_back(), depth + 1);
}

/// RFC 8474 section 5.1: what has other bytes has another one.
std::string digest_of(std::string_view prefix, std::string_view content) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> whole{};
    std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context(::EVP_MD_CTX_new(),
                                                                      ::EVP_MD_CTX_free);
    unsigned size = 0;
    if (!context || ::EVP_DigestInit_ex(context.get(), ::EVP_sha256(), nullptr) != 1 ||
        ::EVP_DigestUpdate(context.get(), prefix.data(), prefix.size()) != 1 ||
        ::EVP_DigestUpdate(context.get(), content.data(), content.size()) != 1 ||
        ::EVP_DigestFinal_ex(context.get(), whole.data(), &size) != 1) {
        return std::string();
    }
    return std::string(reinterpret_cast<const char*>(whole.data()), 16);
}

void shift(mime::Part& part, std::uint64_t by) {
    part.header_offset += by;
    part.body_offset += by;
    for (mime::Part& child : part.children)
        shift(child, by);
}

/// Equal for equal ids; nobody gains by making two that collide in their own mail.
std::uint64_t id_hash(std::string_view id) {
    std::uint64_t hash = 0x9e3779b97f4a7c15 ^ id.size();
    while (!id.empty()) {
        std::uint64_t word = 0;
        std::size_t count = std::min(id.size(), sizeof word);
        std::memcpy(&word, id.data(), count);
        hash = (hash ^ word) * 0xff51afd7ed558ccd;
        hash ^= hash >> 32;
        id.remove_prefix(count);
    }
    return hash == 0 ? 1 : hash;
}

void append_id(std::string& out, std::uint64_t hash) {
    char raw[sizeof hash];
    std::memcpy(raw, &hash, sizeof hash);
    out.append(raw, sizeof raw);
}

// RFC 5256 section 3: In-Reply-To counts, its first id alone, when there are no references.
std::string ids_of(std::string_view fields) {
    std::string out;
    auto own = mime::field_value(fields, "Message-ID");
    std::vector<std::string> ids;
    if (own) ids = imap::message_ids(*own, 1);
    append_id(out, ids.empty() ? 0 : id_hash(ids.front()));
    ids.clear();
    if (auto references = mime::field_value(fields, "References"))
        ids = imap::message_ids(*references);
    auto in_reply_to = mime::field_value(fields, "In-Reply-To");
    if (ids.empty() && in_reply_to) ids = imap::message_ids(*in_reply_to, 1);
    for (const std::string& id : ids)
        append_id(out, id_hash(id));
    return out;
}

SortKeys keys_of(std::string_view fields) {
    SortKeys keys;
    if (auto value = mime::field_value(fields, "Date")) {
        if (auto date = mime::parse_date(*value)) keys.sent = date->time;
    }
    auto subject = mime::field_value(fields, "Subject");
    imap::BaseSubject base =
        imap::base_subject(subject ? mime::decode_words(*subject) : std::string());
    keys.subject = mime::casemap(base.text);
    keys.is_reply = base.is_reply;
    keys.ids = ids_of(fields);
    return keys;
}

/// FETCH sends these as they are.
void render(Summary& summary, std::string_view content) {
    imap::append_envelope(summary.envelope, mime::parse_envelope(summary.fields));
    imap::HeaderSource header = [content](std::uint64_t offset, std::uint64_t size) {
        return std::string(content.substr(std::min<std::uint64_t>(offset, content.size()), size));
    };
    imap::append_body_structure(summary.body_structure, summary.structure, true, header);
}

}  // namespace

bool summary_has(const std::vector<std::string>& names) {
    return summary_fields(names).has_value();
}

std::optional<FieldSet> summary_fields(const std::vector<std::string>& names) {
    FieldSet set = 0;
    for (const std::string& name : names) {
        auto number = field_number(name);
        if (!number) return std::nullopt;
        set |= FieldSet{1} << *number;
    }
    return set;
}

void SummaryView::append_fields(std::string& out, FieldSet set) const {
    index::ByteReader in(table);
    std::size_t from = 0;
    std::size_t to = 0;  // of a run of wanted fields
    while (!in.at_end() && !in.failed()) {
        std::uint64_t number = in.number_up_to(63);
        std::size_t size = in.number_up_to(fields.size() - to);
        if (!(set >> number & 1)) {
            out.append(fields.substr(from, to - from));
            from = to + size;
        }
        to += size;
    }
    if (!table.empty()) {
        out.append(fields.substr(from, to - from));
        return;
    }
    mime::FieldReader reader(fields);
    mime::Field field;
    while (reader.next(field)) {
        auto number = field_number(field.name);
        if (number && (set >> *number & 1)) out.append(field.raw);
    }
}

std::string message_digest(std::string_view message) {
    return digest_of({}, message);
}

namespace index {

std::string encode_summary(const Summary& summary, std::size_t limit) {
    ByteWriter out;
    out.number(kVersion);
    out.number((summary.keys.sent ? kHasSent : 0) | (summary.keys.is_reply ? kIsReply : 0));
    out.signed_number(summary.keys.sent.value_or(0));
    const std::string table = table_of(summary.fields);
    const std::string* const texts[] = {
        &summary.keys.subject, &summary.keys.ids,      &table,
        &summary.fields,       &summary.preview,       &summary.digest,
        &summary.envelope,     &summary.body_structure};
    // The lengths come first: who looks at one text need not touch the others.
    for (const std::string* text : texts)
        out.number(text->size());
    for (const std::string* text : texts)
        out.raw(*text);
    put(out, summary.structure);
    std::string bytes = out.take();
    if (bytes.size() > limit) bytes.clear();
    return bytes;
}

std::optional<SummaryView> view_summary(std::string_view bytes) {
    ByteReader in(bytes);
    if (in.number() != kVersion) return std::nullopt;
    SummaryView view;
    std::uint64_t marks = in.number();
    std::int64_t sent = in.signed_number();
    if (marks & kHasSent) view.sent = sent;
    view.is_reply = (marks & kIsReply) != 0;
    std::string_view* const texts[] = {&view.subject,  &view.ids,           &view.table,
                                       &view.fields,   &view.preview,       &view.digest,
                                       &view.envelope, &view.body_structure};
    std::size_t lengths[std::size(texts)];
    for (std::size_t& length : lengths)
        length = in.number_up_to(bytes.size());
    for (std::size_t i = 0; i < std::size(texts); ++i)
        *texts[i] = in.raw(lengths[i]);
    if (in.failed()) return std::nullopt;
    view.tree = bytes.substr(bytes.size() - in.left());
    return view;
}

std::optional<Summary> decode_summary(std::string_view bytes) {
    auto view = view_summary(bytes);
    if (!view) return std::nullopt;
    Summary summary;
    summary.keys = {view->sent, std::string(view->subject), view->is_reply, std::string(view->ids)};
    summary.fields = std::string(view->fields);
    summary.preview = std::string(view->preview);
    summary.digest = std::string(view->digest);
    summary.envelope = std::string(view->envelope);
    summary.body_structure = std::string(view->body_structure);
    ByteReader in(view->tree);
    get(in, summary.structure, 0);
    if (!in.whole()) return std::nullopt;
    return summary;
}

Summary make_summary(std::string_view prefix, std::string_view content) {
    Summary summary;
    summary.structure = mime::parse_structure(content);
    summary.preview = mime::preview(content, summary.structure);
    summary.digest = digest_of(prefix, content);
    add_fields(summary.fields, prefix);
    add_fields(summary.fields, content.substr(0, summary.structure.body_offset));
    summary.keys = keys_of(summary.fields);
    render(summary, content);
    shift(summary.structure, prefix.size());
    summary.structure.header_offset = 0;
    return summary;
}

}  // namespace index
}  // namespace facteur::store
