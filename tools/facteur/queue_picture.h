#pragma once

#include <string>
#include <vector>

#include "lib/base/result.h"
#include "tools/facteur/queue_filter.h"

namespace facteur::tool {

/// Draws the table of ages as bars, one a domain, the older the redder, into a PNG file.
Result<void> draw_ages(const std::vector<AgeTable::Row>& rows, const std::string& path);

}  // namespace facteur::tool
