#include "lib/imap/search_return.h"

#include <algorithm>
#include <utility>

#include "lib/base/text.h"

namespace facteur::imap {

Result<PartialRange> parse_partial_range(Scanner& scanner) {
    PartialRange range;
    range.from_end = scanner.take('-');
    TRY(range.first, scanner.nz_number());
    TRY_VOID(scanner.expect(':'));
    // RFC 9394 section 4: both ends count from the same side.
    if (scanner.take('-') != range.from_end) return permanent("Invalid PARTIAL range", "5.5.2");
    TRY(range.last, scanner.nz_number());
    if (range.first > range.last) std::swap(range.first, range.last);
    return range;
}

std::string partial_text(const PartialRange& range) {
    const char* sign = range.from_end ? "-" : "";
    return sign + std::to_string(range.first) + ":" + sign + std::to_string(range.last);
}

std::vector<std::uint32_t> window(const PartialRange& range,
                                  const std::vector<std::uint32_t>& found) {
    std::size_t first = std::min<std::size_t>(range.first - 1, found.size());
    std::size_t last = std::min<std::size_t>(range.last, found.size());
    if (range.from_end) {
        std::swap(first, last);
        first = found.size() - first;
        last = found.size() - last;
    }
    return {found.begin() + static_cast<std::ptrdiff_t>(first),
            found.begin() + static_cast<std::ptrdiff_t>(last)};
}

namespace {

constexpr std::size_t kMostItems = 100;

Result<void> return_option(Scanner& scanner, SearchReturn& wanted) {
    std::string name = scanner.keyword();
    if (name == "MIN") {
        wanted.min = true;
    } else if (name == "MAX") {
        wanted.max = true;
    } else if (name == "ALL") {
        wanted.all = true;
    } else if (name == "COUNT") {
        wanted.count = true;
    } else if (name == "SAVE") {
        wanted.save = true;
    } else if (name == "PARTIAL" && !wanted.partial) {
        TRY_VOID(scanner.sp());
        TRY(wanted.partial, parse_partial_range(scanner));
    } else if (name == "UPDATE") {
        wanted.update = true;
        if (scanner.next_is(' ') && scanner.rest().substr(1).starts_with('(')) {
            TRY_VOID(scanner.sp());
            TRY(wanted.update_items, parse_fetch_items(scanner, kMostItems));
        }
    } else if (name != "CONTEXT") {  // RFC 5267 section 4.2: a hint
        return permanent("Unknown search return option " + printable(name, 40), "5.5.2");
    }
    return {};
}

}  // namespace

Result<SearchReturn> parse_search_return(Scanner& scanner) {
    SearchReturn wanted;
    if (!scanner.take("RETURN ")) return wanted;
    wanted.is_extended = true;
    TRY_VOID(scanner.expect('('));
    while (!scanner.take(')')) {
        TRY_VOID(return_option(scanner, wanted));
        if (!scanner.next_is(')')) {
            TRY_VOID(scanner.sp());
        }
    }
    // RFC 9394 section 3.1: not both.
    if (wanted.all && wanted.partial)
        return permanent("ALL and PARTIAL exclude each other", "5.5.2");
    // RFC 4731 section 3.1: nothing means ALL.
    wanted.all |= !wanted.min && !wanted.max && !wanted.count && !wanted.save && !wanted.partial;
    TRY_VOID(scanner.sp());
    return wanted;
}

Result<std::vector<MailboxFilter>> parse_search_sources(Scanner& scanner, std::size_t limit) {
    std::vector<MailboxFilter> filters;
    if (!scanner.take("IN (")) return filters;
    for (;;) {
        TRY(MailboxFilter filter, parse_mailbox_filter(scanner, limit));
        if (filter.kind == MailboxFilter::Kind::selected_delayed || filters.size() == 20) {
            return permanent("Invalid source of a search", "5.5.2");
        }
        filters.push_back(std::move(filter));
        if (scanner.take(')')) break;
        TRY_VOID(scanner.sp());
    }
    TRY_VOID(scanner.sp());
    return filters;
}

}  // namespace facteur::imap
