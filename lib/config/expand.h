#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::conf {

/// The unexpanded text of a name; nothing when nobody knows it.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

/// Expands `$name`, `${name}`, `$(name)`, `${name?text}`, `${name:text}`, `${name?{a}:{b}}`,
/// `${{a} == {b} ? {c} : {d}}` (also != < <= > >= and the ==level family) and `$$`, as postconf(5)
/// describes them.  Values are expanded in turn, `max_depth` levels deep.  Unknown names are empty.
Result<std::string> expand(std::string_view text, const Lookup& lookup, int max_depth = 100);

/// The names that text asks for, `$name` and its relatives: to tell a used parameter from a
/// mistyped one.
void each_name(std::string_view text, const std::function<void(std::string_view)>& found);

}  // namespace facteur::conf
