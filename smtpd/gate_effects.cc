// What access(5) actions do to the message.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "smtpd/gate.h"

namespace facteur::smtpd {

namespace {

/// "X-Note: text": a field name (RFC 5322 section 2.2) and a colon.
bool is_field(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == 0 || colon == std::string_view::npos) return false;
    for (const char c : text.substr(0, colon)) {
        if (c <= ' ' || c >= '\x7F') return false;
    }
    return true;
}

/// What is wrong with the text of an action; empty: nothing.
std::string_view fault(std::string_view word, std::string_view text) {
    if (word == "FILTER" && text.find(':') == std::string_view::npos)
        return "without transport:destination";
    if ((word == "REDIRECT" || word == "BCC") && text.find('@') == std::string_view::npos)
        return "without user@domain";
    if (word == "PREPEND" && !is_field(text)) return "without header field";
    return {};
}

/// "NOQUEUE: hold: RCPT from host[ip]: <a@b>: Recipient address triggers HOLD action; …".
void log_trigger(Stage stage, const Facts& facts, std::string_view word, std::string_view text) {
    smtp::Reply told;
    told.code = 0;
    told.text = addressed(stage, facts) + " triggers " + std::string(word) + ' ';
    told.text += text.empty() ? "action" : printable(text, 256);
    log_info(event_line(facts, to_lower(word), told.text));
}

}  // namespace

bool take_effect(std::string_view word, std::string_view text, Stage stage, Facts& facts) {
    if (word == "WARN" || word == "INFO") {
        log_info(event_line(facts, to_lower(word), printable(text, 256)));
        return true;
    }
    const bool known = word == "HOLD" || word == "DISCARD" || word == "FILTER" ||
                       word == "REDIRECT" || word == "BCC" || word == "PREPEND";
    if (!known) return false;
    const std::string_view wrong = fault(word, text);
    if (!wrong.empty()) {
        log_warning("access table: " + std::string(word) + " entry " + std::string(wrong));
        return true;
    }
    Effects& effects = facts.effects;
    if (word == "HOLD") effects.hold = true;
    if (word == "DISCARD") effects.discard = true;
    if (word == "FILTER") effects.filter = text;
    if (word == "REDIRECT") effects.redirect = text;
    if (word == "BCC") effects.copies.emplace_back(text);
    if (word == "PREPEND") effects.headers.emplace_back(text);
    log_trigger(stage, facts, word, text);
    return true;
}

}  // namespace facteur::smtpd
