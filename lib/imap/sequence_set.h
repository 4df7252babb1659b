#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace facteur::imap {

/// Numbers first..last, both included.
struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool operator==(const Range&) const = default;
};

/// Sorted, disjoint ranges with first <= last: what a set means in one mailbox.
using Ranges = std::vector<Range>;

bool contains(const Ranges& ranges, std::uint32_t number);
/// RFC 4315 section 4 uid-set: "1:3,7"; numbers ascending.
std::string to_text(const std::vector<std::uint32_t>& numbers);
Ranges ranges_of(const std::vector<std::uint32_t>& ascending);
std::string ranges_text(const Ranges& ranges);
/// The numbers of `ranges` that are not in `numbers` (ascending).
Ranges without(const Ranges& ranges, const std::vector<std::uint32_t>& numbers);

/// RFC 3501 section 9 sequence-set, as written.
class SequenceSet {
public:
    static constexpr std::uint32_t kStar = 0;  ///< "*"; no number of the grammar is 0

    /// Takes the set off the front of text.
    static Result<SequenceSet> parse(std::string_view& text);
    /// With "*" for the largest number in use.  A range that is written backwards is turned, so
    /// "9:*" in a mailbox of 3 is 3:9 (RFC 3501 section 6.4.8).
    Ranges resolve(std::uint32_t star) const;
    const std::vector<Range>& written() const { return ranges_; }
    /// RFC 5182 section 2.1: "$", what the last SEARCH RETURN (SAVE) found.
    bool is_saved_result() const { return is_saved_result_; }

private:
    bool is_saved_result_ = false;
    std::vector<Range> ranges_;
};

}  // namespace facteur::imap
