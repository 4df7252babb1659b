#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/store/summary.h"

namespace facteur::store::index {

/// A Summary as the index keeps it.  Empty when it would be longer than `limit`.
std::string encode_summary(const Summary& summary, std::size_t limit = 65536);
std::optional<Summary> decode_summary(std::string_view bytes);
/// The same without a copy: the view lives as long as `bytes`.
std::optional<SummaryView> view_summary(std::string_view bytes);

/// Of a message in wire form that is `prefix` followed by `content`; prefix is whole header fields.
Summary make_summary(std::string_view prefix, std::string_view content);

}  // namespace facteur::store::index
