#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::checks {

/// The actions of header_checks(5).
enum class Verb : std::uint8_t {
    dunno,
    reject,
    discard,
    filter,
    hold,
    ignore,
    strip,
    prepend,
    replace,
    redirect,
    bcc,
    warn,
    info,
    pass,
};

struct Action {
    Verb verb = Verb::dunno;
    std::string text;
    bool operator==(const Action&) const = default;
};

/// Who asks: not every action makes sense everywhere.
enum class Place : std::uint8_t {
    receiving,   ///< header_checks and its like
    milter,      ///< milter_header_checks
    delivering,  ///< smtp_header_checks and its like
};

/// The right-hand side of a table.  header: it was a header field that matched.  The Error says
/// what is wrong with it; nothing is done then.
Result<Action> parse_action(std::string_view value, bool header, Place place);

/// "4.7.1 text" or "5.7.1 text": RFC 3463 section 2; the code is put in front when there is none.
struct Refusal {
    std::string status;
    std::string text;
    bool is_temporary() const { return status.starts_with('4'); }
    bool operator==(const Refusal&) const = default;
};
Refusal refusal_of(const Action& action);

}  // namespace facteur::checks
