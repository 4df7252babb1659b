#include "lib/imap/sequence_set.h"

#include <algorithm>

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

// RFC 3501 section 9: seq-number = nz-number / "*"
Result<std::uint32_t> seq_number(std::string_view& text) {
    if (text.starts_with('*')) {
        text.remove_prefix(1);
        return SequenceSet::kStar;
    }
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits]))
        ++digits;
    auto number = parse_number(text.substr(0, digits));
    if (digits == 0 || digits > 10 || !number || *number == 0 || *number > UINT32_MAX) {
        return permanent("Invalid message set");
    }
    text.remove_prefix(digits);
    return static_cast<std::uint32_t>(*number);
}

}  // namespace

Result<SequenceSet> SequenceSet::parse(std::string_view& text) {
    SequenceSet set;
    if (text.starts_with('$')) {
        text.remove_prefix(1);
        set.is_saved_result_ = true;
        return set;
    }
    for (;;) {
        TRY(std::uint32_t first, seq_number(text));
        std::uint32_t last = first;
        if (text.starts_with(':')) {
            text.remove_prefix(1);
            TRY(last, seq_number(text));
        }
        set.ranges_.push_back(Range{first, last});
        if (!text.starts_with(',')) return set;
        text.remove_prefix(1);
    }
}

Ranges SequenceSet::resolve(std::uint32_t star) const {
    Ranges sorted;
    sorted.reserve(ranges_.size());
    for (Range range : ranges_) {
        if (range.first == kStar) range.first = star;
        if (range.last == kStar) range.last = star;
        if (range.first > range.last) std::swap(range.first, range.last);
        if (range.last == 0) continue;  // "*" in an empty mailbox
        sorted.push_back(range);
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const Range& a, const Range& b) { return a.first < b.first; });
    Ranges merged;
    for (const Range& range : sorted) {
        if (!merged.empty() &&
            (merged.back().last == UINT32_MAX || range.first <= merged.back().last + 1)) {
            merged.back().last = std::max(merged.back().last, range.last);
        } else {
            merged.push_back(range);
        }
    }
    return merged;
}

bool contains(const Ranges& ranges, std::uint32_t number) {
    auto after = std::upper_bound(ranges.begin(), ranges.end(), number,
                                  [](std::uint32_t n, const Range& r) { return n < r.first; });
    return after != ranges.begin() && number <= std::prev(after)->last;
}

std::string to_text(const std::vector<std::uint32_t>& numbers) {
    std::string out;
    for (std::size_t i = 0; i < numbers.size();) {
        std::size_t end = i + 1;
        while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1)
            ++end;
        if (!out.empty()) out += ',';
        out += std::to_string(numbers[i]);
        if (end - i > 1) out += ':' + std::to_string(numbers[end - 1]);
        i = end;
    }
    return out;
}

Ranges ranges_of(const std::vector<std::uint32_t>& ascending) {
    Ranges ranges;
    for (std::uint32_t number : ascending) {
        if (!ranges.empty() && ranges.back().last + 1 == number) {
            ranges.back().last = number;
        } else {
            ranges.push_back(Range{number, number});
        }
    }
    return ranges;
}

std::string ranges_text(const Ranges& ranges) {
    std::string out;
    for (const Range& range : ranges) {
        if (!out.empty()) out += ',';
        out += std::to_string(range.first);
        if (range.last != range.first) out += ':' + std::to_string(range.last);
    }
    return out;
}

Ranges without(const Ranges& ranges, const std::vector<std::uint32_t>& numbers) {
    Ranges left;
    auto at = numbers.begin();
    for (Range range : ranges) {
        at = std::lower_bound(at, numbers.end(), range.first);
        for (; at != numbers.end() && *at <= range.last; ++at) {
            if (*at > range.first) left.push_back(Range{range.first, *at - 1});
            range.first = *at + 1;
        }
        if (range.first != 0 && range.first <= range.last) left.push_back(range);
    }
    return left;
}

}  // namespace facteur::imap
