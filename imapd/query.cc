#include "imapd/query.h"

#include <ctime>

#include "imapd/object_id.h"
#include "imapd/search_text.h"
#include "imapd/store_terms.h"
#include "lib/base/text.h"
#include "lib/mime/date.h"
#include "lib/mime/encoded_word.h"
#include "lib/mime/header.h"

namespace facteur::imapd {

namespace {

using SearchKind = imap::SearchKey::Kind;

Answer answer(bool is_so) {
    return is_so ? Answer::yes : Answer::no;
}

Answer operator!(Answer a) {
    if (a == Answer::unknown) return a;
    return a == Answer::yes ? Answer::no : Answer::yes;
}

std::uint64_t keyword_bit(const store::Mailbox& mailbox, std::string_view name) {
    const std::vector<std::string>& names = mailbox.keywords();
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (iequals(names[i], name)) return std::uint64_t{1} << i;
    }
    return 0;
}

Result<Query> compile_key(const imap::SearchKey& key, const std::string& charset,
                          const QueryContext& context) {
    const store::Mailbox& mailbox = context.mailbox;
    Query query;
    query.kind = key.kind;
    query.negated = key.negated;
    query.flag = key.flag;
    query.day = key.day;
    query.number = key.number;
    query.field = key.field;
    if (key.kind == SearchKind::keyword) {
        query.keyword = keyword_bit(mailbox, key.text);
    } else if (key.kind == SearchKind::email_id || key.kind == SearchKind::thread_id) {
        query.text = key.text;
    } else {
        // RFC 3501 section 6.4.4: US-ASCII when none was named; bare UTF-8 is let through.
        auto utf8 = mime::to_utf8(key.text, charset.empty() ? "utf-8" : charset);
        if (!utf8) return permanent("Unknown charset");
        query.text = fold(*utf8);
    }
    std::uint32_t size = mailbox.size();
    bool is_set = key.kind == SearchKind::sequence || key.kind == SearchKind::uid;
    if (is_set && key.set.is_saved_result()) {
        query.kind = SearchKind::uid;
        query.ranges = imap::ranges_of(context.saved);
        return query;
    }
    if (key.kind == SearchKind::sequence) query.ranges = key.set.resolve(size);
    if (key.kind == SearchKind::older || key.kind == SearchKind::younger) {
        query.moment = std::time(nullptr) - static_cast<std::int64_t>(key.number);
    }
    if (key.kind == SearchKind::uid)
        query.ranges = key.set.resolve(size == 0 ? 0 : mailbox.uid(size));
    for (const imap::SearchKey& child : key.children) {
        TRY(Query compiled, compile_key(child, charset, context));
        query.children.push_back(std::move(compiled));
    }
    return query;
}

Answer compare(SearchKind kind, imap::Day found, imap::Day wanted) {
    switch (kind) {
        case SearchKind::before:
        case SearchKind::sent_before:
        case SearchKind::saved_before:
            return answer(found < wanted);
        case SearchKind::on:
        case SearchKind::sent_on:
        case SearchKind::saved_on:
            return answer(found == wanted);
        default:
            return answer(found >= wanted);
    }
}

// RFC 3501 section 6.4.4: the day as INTERNALDATE shows it, which is in our time zone.
imap::Day local_day(std::int64_t time) {
    std::time_t seconds = time;
    std::tm local{};
    localtime_r(&seconds, &local);
    return imap::Day(std::chrono::year(local.tm_year + 1900) /
                     std::chrono::month(static_cast<unsigned>(local.tm_mon + 1)) /
                     std::chrono::day(static_cast<unsigned>(local.tm_mday)));
}

// RFC 8514 section 4.3: where the save date is not known, the internal date counts.
std::int64_t saved_or_arrived(const store::Message& message) {
    return message.save_date != 0 ? message.save_date : message.internal_date;
}

std::string_view header_of(const std::string& message) {
    return std::string_view(message).substr(0, mime::header_length(message));
}

/// The fields of that name, or a header that has them; nothing when it has not been read.
std::optional<std::string> header_with(const Candidate& candidate, const std::string& field) {
    if (candidate.content != nullptr) return std::string(header_of(*candidate.content));
    auto set = store::summary_fields({field});
    if (candidate.summary == nullptr || !set) return {};
    std::string fields;
    candidate.summary->append_fields(fields, *set);
    return fields;
}

Answer sent(const Query& query, const Candidate& candidate) {
    auto header = header_with(candidate, "Date");
    if (!header) return Answer::unknown;
    auto value = mime::field_value(*header, "Date");
    auto date = value ? mime::parse_date(*value) : std::nullopt;
    if (!date) return Answer::no;
    // "Disregarding time and timezone": the day that the author wrote.
    auto day = std::chrono::floor<std::chrono::days>(
        WallTime(Seconds(date->time + std::int64_t{60} * date->zone_minutes)));
    return compare(query.kind, day, query.day);
}

Answer header(const Query& query, const Candidate& candidate) {
    auto header = header_with(candidate, query.field);
    if (!header) return Answer::unknown;
    mime::FieldReader reader(*header);
    mime::Field field;
    while (reader.next(field)) {
        if (!iequals(field.name, query.field)) continue;
        if (query.text.empty()) return Answer::yes;
        std::string value = mime::unfold(field.value);
        if (value.find("=?") != std::string::npos) value = mime::decode_words(value);
        if (fold(value).find(query.text) != std::string::npos) return Answer::yes;
    }
    return Answer::no;
}

// RFC 8474 section 5.4
Answer object_id(const Query& query, const Candidate& candidate) {
    bool is_thread = query.kind == SearchKind::thread_id;
    std::string digest;
    std::string fields;
    if (candidate.content != nullptr) {
        digest = store::message_digest(*candidate.content);
        fields = header_of(*candidate.content);
    } else if (candidate.summary != nullptr && !candidate.summary->digest.empty()) {
        digest = candidate.summary->digest;
        fields = candidate.summary->fields;
    } else {
        return Answer::unknown;
    }
    return answer(query.text == (is_thread ? thread_id(fields, digest) : email_id(digest)));
}

Answer all_of(const Query& query, const Candidate& candidate) {
    Answer all = Answer::yes;
    for (const Query& child : query.children) {
        Answer one = evaluate(child, candidate);
        if (one == Answer::no) return Answer::no;
        if (one == Answer::unknown) all = Answer::unknown;
    }
    return all;
}

Answer any_of(const Query& query, const Candidate& candidate) {
    Answer any = Answer::no;
    for (const Query& child : query.children) {
        Answer one = evaluate(child, candidate);
        if (one == Answer::yes) return Answer::yes;
        if (one == Answer::unknown) any = Answer::unknown;
    }
    return any;
}

Answer text(const Query& query, const Candidate& candidate) {
    if (candidate.content == nullptr) return Answer::unknown;
    bool with_headers = query.kind == SearchKind::text;
    return answer(
        contains_text(*candidate.content, *candidate.structure, query.text, with_headers));
}

Answer ask(const Query& query, const Candidate& candidate) {
    const store::Message& message = candidate.message;
    switch (query.kind) {
        case SearchKind::all:
            return Answer::yes;
        case SearchKind::filter:  // was put in the place of its name before
            return Answer::no;
        case SearchKind::all_of:
            return all_of(query, candidate);
        case SearchKind::any_of:
            return any_of(query, candidate);
        case SearchKind::sequence:
            return answer(imap::contains(query.ranges, candidate.sequence));
        case SearchKind::uid:
            return answer(imap::contains(query.ranges, message.uid));
        case SearchKind::flag:
            return answer(to_imap_flags(message) & query.flag);
        case SearchKind::keyword:
            return answer(message.keywords & query.keyword);
        case SearchKind::before:
        case SearchKind::on:
        case SearchKind::since:
            return compare(query.kind, local_day(message.internal_date), query.day);
        case SearchKind::sent_before:
        case SearchKind::sent_on:
        case SearchKind::sent_since:
            return sent(query, candidate);
        case SearchKind::larger:
            return answer(message.size > query.number);
        case SearchKind::smaller:
            return answer(message.size < query.number);
        case SearchKind::header:
            return header(query, candidate);
        case SearchKind::saved_before:
        case SearchKind::saved_on:
        case SearchKind::saved_since:
            return compare(query.kind, local_day(saved_or_arrived(message)), query.day);
        case SearchKind::older:
            return answer(message.internal_date <= query.moment);
        case SearchKind::younger:
            return answer(message.internal_date >= query.moment);
        case SearchKind::modseq:
            return answer(message.modseq >= query.number);
        case SearchKind::body:
        case SearchKind::text:
            return text(query, candidate);
        case SearchKind::email_id:
        case SearchKind::thread_id:
            return object_id(query, candidate);
    }
    return Answer::no;
}

template <class Predicate>
bool any_key(const Query& query, Predicate predicate) {
    if (predicate(query.kind)) return true;
    for (const Query& child : query.children) {
        if (any_key(child, predicate)) return true;
    }
    return false;
}

}  // namespace

Result<Query> compile(const imap::SearchProgram& program, const QueryContext& context) {
    return compile_key(program.root, program.charset, context);
}

Answer evaluate(const Query& query, const Candidate& candidate) {
    Answer found = ask(query, candidate);
    return query.negated ? !found : found;
}

bool asks_size(const Query& query) {
    return any_key(
        query, [](SearchKind k) { return k == SearchKind::larger || k == SearchKind::smaller; });
}

bool asks_fields(const Query& query) {
    return any_key(query, [](SearchKind k) {
        return k == SearchKind::header || k == SearchKind::sent_before ||
               k == SearchKind::sent_on || k == SearchKind::sent_since ||
               k == SearchKind::email_id || k == SearchKind::thread_id;
    });
}

}  // namespace facteur::imapd
