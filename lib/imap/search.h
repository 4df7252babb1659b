#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/imap/scanner.h"

namespace facteur::imap {

/// One node of a search program (RFC 3501 section 6.4.4).
struct SearchKey {
    enum class Kind {
        all,
        all_of,    ///< every child
        any_of,    ///< one child
        sequence,  ///< set, of sequence numbers
        uid,       ///< set, of UIDs
        flag,      ///< any bit of `flag`
        keyword,   ///< text
        before,
        on,
        since,  ///< INTERNALDATE against day
        sent_before,
        sent_on,
        sent_since,  ///< the Date: field against day
        larger,
        smaller,  ///< number
        header,   ///< field, text; an empty text asks only whether the field is there
        body,
        text,   ///< text
        older,  ///< RFC 5032 section 3: number seconds before now
        younger,
        modseq,  ///< RFC 7162 section 3.1.5: number or more
        saved_before,
        saved_on,
        saved_since,  ///< RFC 8514 section 4.3: the save date against day
        email_id,
        thread_id,  ///< RFC 8474 section 5.4: text
        filter,     ///< RFC 5466 section 3.1: the name of a search in text
    };
    Kind kind = Kind::all;
    bool negated = false;
    std::uint8_t flag = 0;
    Day day{};
    std::uint64_t number = 0;
    std::string field;
    std::string text;
    SequenceSet set;
    std::vector<SearchKey> children;
};

struct SearchLimits {
    std::size_t depth = 32;
    std::size_t keys = 1000;
};

/// The arguments of SEARCH: an optional charset and keys that must all match.
struct SearchProgram {
    std::string charset;  ///< upper case; empty when none was named
    SearchKey root;
};
/// Some key of the tree is of this kind.
bool has_key(const SearchKey& key, SearchKey::Kind kind);
/// Some key names sequence numbers, which "$" does not.
bool names_sequences(const SearchKey& key);
Result<SearchProgram> parse_search(Scanner& scanner, const SearchLimits& limits);
/// RFC 5256 section 3: the charset is a must and stands without a word before it.
Result<SearchProgram> parse_charset_and_search(Scanner& scanner, const SearchLimits& limits);

}  // namespace facteur::imap
