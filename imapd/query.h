#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/imap/search.h"
#include "lib/imap/sequence_set.h"
#include "lib/store/store.h"

namespace facteur::imapd {

/// A search program made ready for one mailbox: sets resolved, keywords as bits, texts in folded
/// UTF-8.
struct Query {
    using Kind = imap::SearchKey::Kind;
    Kind kind = Kind::all;
    bool negated = false;
    std::uint8_t flag = 0;
    std::uint64_t keyword = 0;
    imap::Day day{};
    std::uint64_t number = 0;
    std::int64_t moment = 0;
    imap::Ranges ranges;
    std::string field;
    std::string text;
    std::vector<Query> children;
};

/// What a search is asked in.
struct QueryContext {
    const store::Mailbox& mailbox;
    const std::vector<std::uint32_t>& saved;  ///< RFC 5182 section 2.1: "$", as UIDs, ascending
};
/// The Error is [BADCHARSET].
Result<Query> compile(const imap::SearchProgram& program, const QueryContext& context);

/// What asking so far has told.
enum class Answer { no, yes, unknown };

/// What is known of one message: the index always, the rest when it had to be read.
struct Candidate {
    std::uint32_t sequence = 0;
    store::Message message;
    const store::SummaryView* summary = nullptr;
    const std::string* content = nullptr;   ///< the whole message
    const mime::Part* structure = nullptr;  ///< with content
};

/// RFC 3501 section 6.4.4, as far as the candidate's knowledge goes: never unknown with content.
Answer evaluate(const Query& query, const Candidate& candidate);

/// Some key asks for the message's size.
bool asks_size(const Query& query);
/// Some key can be answered from Summary::fields.
bool asks_fields(const Query& query);

}  // namespace facteur::imapd
