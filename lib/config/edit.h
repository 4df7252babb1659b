#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace facteur::conf {

/// One change to main.cf.
struct Edit {
    enum class Kind { set, comment_out, remove } kind = Kind::set;
    std::string name;
    std::string value;
};

/// The text of main.cf with the changes made, everything else left as it is: comments, order,
/// empty lines.  A parameter that is set twice is set once afterwards, in the place of the first;
/// a new one is added at the end.
std::string edit_main_cf(std::string_view text, const std::vector<Edit>& edits);

}  // namespace facteur::conf
