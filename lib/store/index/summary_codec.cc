#include "lib/store/index/summary_codec.h"

#include <algorithm>
#include <array>
#include <memory>

#include <openssl/evp.h>

#include "lib/base/text.h"
#include "lib/mime/header.h"
#include "lib/mime/preview.h"
#include "lib/store/index/bytes.h"

namespace facteur::store {
namespace {

constexpr std::uint64_t kVersion = 2;
constexpr std::uint64_t kWithoutDigest = 1;
constexpr unsigned kMostDepth = 200;

/// The fields that clients ask for in their message lists, in lower case and sorted; what is
/// here is complete in every Summary.  A change needs a new kVersion.
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

bool is_summary_field(std::string_view name) {
    if (name.size() > 32) return false;
    return std::binary_search(kSummaryFields.begin(), kSummaryFields.end(),
                              std::string_view(to_lower(name)));
}

void add_fields(std::string& out, std::string_view header) {
    mime::FieldReader reader(header);
    mime::Field field;
    while (reader.next(field)) {
        if (!is_summary_field(field.name)) continue;
        out.append(field.raw);
        if (!field.raw.ends_with('\n')) out.append("\r\n");
    }
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

}  // namespace

bool summary_has(const std::vector<std::string>& names) {
    return std::all_of(names.begin(), names.end(),
                       [](const std::string& name) { return is_summary_field(name); });
}

std::string message_digest(std::string_view message) {
    return digest_of({}, message);
}

namespace index {

std::string encode_summary(const Summary& summary, std::size_t limit) {
    ByteWriter out;
    out.number(kVersion);
    out.text(summary.fields);
    out.text(summary.preview);
    out.text(summary.digest);
    put(out, summary.structure);
    std::string bytes = out.take();
    if (bytes.size() > limit) bytes.clear();
    return bytes;
}

std::optional<Summary> decode_summary(std::string_view bytes) {
    ByteReader in(bytes);
    std::uint64_t version = in.number();
    if (version != kVersion && version != kWithoutDigest) return std::nullopt;
    Summary summary;
    summary.fields = std::string(in.text());
    summary.preview = std::string(in.text());
    if (version == kVersion) summary.digest = std::string(in.text());
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
    shift(summary.structure, prefix.size());
    summary.structure.header_offset = 0;
    return summary;
}

}  // namespace index
}  // namespace facteur::store
