#include "lib/checks/action.h"

#include <algorithm>
#include <array>

#include "lib/base/text.h"
#include "lib/checks/walker.h"
#include "lib/smtp/status.h"

namespace facteur::checks {
namespace {

/// What an action needs behind its name.
enum class Needs : std::uint8_t { nothing, text, field, transport, address };

struct Known {
    std::string_view name;
    Verb verb;
    Needs needs;
    bool when_delivering;
};
constexpr std::array kKnown = {
    Known{"DUNNO", Verb::dunno, Needs::nothing, true},
    Known{"OK", Verb::dunno, Needs::nothing, true},
    Known{"REJECT", Verb::reject, Needs::nothing, false},
    Known{"DISCARD", Verb::discard, Needs::nothing, false},
    Known{"FILTER", Verb::filter, Needs::transport, false},
    Known{"HOLD", Verb::hold, Needs::nothing, false},
    Known{"IGNORE", Verb::ignore, Needs::nothing, true},
    Known{"STRIP", Verb::strip, Needs::nothing, true},
    Known{"PREPEND", Verb::prepend, Needs::field, true},
    Known{"REPLACE", Verb::replace, Needs::field, true},
    Known{"REDIRECT", Verb::redirect, Needs::address, false},
    Known{"BCC", Verb::bcc, Needs::address, false},
    Known{"WARN", Verb::warn, Needs::nothing, true},
    Known{"INFO", Verb::info, Needs::nothing, true},
    Known{"PASS", Verb::pass, Needs::nothing, false},
};

/// What is missing; empty: nothing.
std::string_view lacks(Needs needs, std::string_view text, bool header) {
    switch (needs) {
        case Needs::nothing:
            return {};
        case Needs::text:
        case Needs::field:
            if (text.empty()) return "needs text";
            if (header && needs == Needs::field && field_name_length(text) == 0)
                return "needs \"headername: headervalue\"";
            return {};
        case Needs::transport:
            return text.find(':') == std::string_view::npos ? "needs transport:destination" : "";
        case Needs::address:
            return text.find('@') == std::string_view::npos ? "needs user@domain" : "";
    }
    return {};
}

}  // namespace

Result<Action> parse_action(std::string_view value, bool header, Place place) {
    std::string_view text = trim(value);
    const std::string word = to_upper(take_word(text));
    const auto known = std::find_if(kKnown.begin(), kKnown.end(),
                                    [&](const Known& each) { return each.name == word; });
    if (known == kKnown.end()) return permanent("unknown command " + printable(value, 200));
    const bool allowed = place == Place::delivering
                             ? known->when_delivering
                             : place == Place::receiving || known->verb != Verb::prepend;
    if (!allowed) return permanent(word + " is not supported here");
    const std::string_view missing = lacks(known->needs, text, header);
    if (!missing.empty()) return permanent(word + " " + std::string(missing));
    if (known->needs == Needs::address && (text.front() == '@' || text.back() == '@'))
        return permanent(word + " needs user@domain");
    return Action{known->verb, std::string(text)};
}

Refusal refusal_of(const Action& action) {
    std::string_view text = action.text;
    std::string_view status = smtp::take_status(text, 550);
    if (status.empty()) status = smtp::take_status(text, 450);
    Refusal refusal;
    refusal.status = status.empty() ? "5.7.1" : status;
    refusal.text = text.empty() ? "message content rejected" : text;
    return refusal;
}

}  // namespace facteur::checks
