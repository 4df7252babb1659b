#include "lib/smtp/address.h"

#include "lib/base/text.h"
#include "lib/smtp/domain.h"

namespace facteur::smtp {

namespace {

std::unexpected<Error> bad(std::string text) {
    return permanent(std::move(text), "5.1.3");
}

/// RFC 5322 section 3.2.3 atext, and what RFC 6531 section 3.3 adds to it.
bool is_atext(char c, bool utf8) {
    if (is_alpha(c) || is_digit(c)) return true;
    if (c & '\x80') return utf8;
    return c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

/// RFC 5321 section 4.1.2 qtextSMTP and the character of a quoted-pairSMTP.
bool is_quotable(char c, bool utf8) {
    if (c & '\x80') return utf8;
    return c >= ' ' && c <= '~';
}

/// Quoted-string off the front, its content to `local`.
Result<void> take_quoted(std::string_view& text, const AddressRules& rules, std::string& local) {
    for (std::size_t i = 1; i < text.size(); ++i) {
        char c = text[i];
        if (c == '"') {
            text.remove_prefix(i + 1);
            return {};
        }
        if (c == '\\' && ++i < text.size()) c = text[i];
        if (i >= text.size() || !is_quotable(c, rules.utf8)) break;
        local += c;
    }
    return bad("bad quoted local part");
}

/// Dot-string off the front.  Empty atoms ("a..b", "a.") are against RFC 5321 section 4.1.2, but
/// Japanese providers gave such addresses to people, so they are accepted unless strict.
Result<void> take_dot_string(std::string_view& text, const AddressRules& rules,
                             std::string& local) {
    std::size_t n = 0;
    while (n < text.size() && (text[n] == '.' || is_atext(text[n], rules.utf8)))
        ++n;
    local = text.substr(0, n);
    text.remove_prefix(n);
    if (local.empty()) return bad("empty local part");
    if (rules.strict &&
        (local.front() == '.' || local.back() == '.' || local.find("..") != std::string::npos)) {
        return bad("empty atom in local part");
    }
    return {};
}

bool is_dot_string(std::string_view local) {
    if (local.empty() || local.front() == '.' || local.back() == '.') return false;
    if (local.find("..") != std::string_view::npos) return false;
    for (const char c : local) {
        if (c != '.' && !is_atext(c, true)) return false;
    }
    return true;
}

/// RFC 5321 section 4.1.2: A-d-l ":" before the mailbox "MUST BE accepted, SHOULD NOT be generated,
/// and SHOULD be ignored".
Result<void> drop_source_route(std::string_view& text, const AddressRules& rules) {
    while (!text.empty() && text.front() == '@') {
        const std::size_t end = text.find_first_of(",:");
        if (end == std::string_view::npos) return bad("source route without a mailbox");
        const std::string_view domain = text.substr(1, end - 1);
        if (!is_domain(domain, rules.utf8) && !is_address_literal(domain))
            return bad("bad domain in source route");
        const bool last = text[end] == ':';
        text.remove_prefix(end + 1);
        if (last) return {};
        if (text.empty() || text.front() != '@') return bad("bad source route");
    }
    return {};
}

/// Where the path ends: at a '>' outside quotes, or for a bare address at a space.
std::size_t path_end(std::string_view text, bool bracketed) {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted && c == '\\') {
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (bracketed ? c == '>' : c == ' ' || c == '\t')) {
            return i;
        }
    }
    return bracketed ? std::string_view::npos : text.size();
}

}  // namespace

Result<Mailbox> parse_mailbox(std::string_view text, AddressRules rules) {
    if (text.size() > kMaxPath) return bad("address too long");
    if (rules.utf8 && !is_utf8(text)) return bad("malformed UTF-8 in address");
    Mailbox mailbox;
    TRY_VOID(!text.empty() && text.front() == '"' ? take_quoted(text, rules, mailbox.local)
                                                  : take_dot_string(text, rules, mailbox.local));
    if (text.empty()) {
        if (rules.local_alone || iequals(mailbox.local, "postmaster")) return mailbox;
        return bad("address without a domain");
    }
    if (text.front() != '@') return bad("bad character in local part");
    text.remove_prefix(1);
    // A fully-qualified name as people write it in zone files.
    if (!rules.strict && text.size() > 1 && text.back() == '.') text.remove_suffix(1);
    const bool is_name = is_domain(text, rules.utf8) && !is_numeric_name(text);
    if (!is_name && !is_address_literal(text)) return bad("bad domain");
    mailbox.domain = text;
    return mailbox;
}

Result<Mailbox> take_path(std::string_view& text, AddressRules rules) {
    if (!rules.strict) {
        while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
            text.remove_prefix(1);
    }
    const bool bracketed = !text.empty() && text.front() == '<';
    if (!bracketed && rules.strict) return bad("address without angle brackets");
    if (bracketed) text.remove_prefix(1);
    const std::size_t end = path_end(text, bracketed);
    if (end == std::string_view::npos) return bad("missing '>'");
    std::string_view path = text.substr(0, end);
    text.remove_prefix(end + (bracketed ? 1 : 0));
    // RFC 5321 section 4.1.2 has no white space here; only parameters may follow, after a space.
    if (bracketed && !text.empty() && text.front() != ' ' && text.front() != '\t')
        return bad("text after '>'");
    if (path.empty()) {
        if (bracketed) return Mailbox();
        return bad("missing address");
    }
    if (!rules.strict) path = trim(path);
    if (path.size() > kMaxPath) return bad("address too long");
    TRY_VOID(drop_source_route(path, rules));
    return parse_mailbox(path, rules);
}

Mailbox split_internal(std::string_view internal) {
    const std::size_t at = internal.rfind('@');
    if (at == std::string_view::npos) return {std::string(internal), {}};
    return {std::string(internal.substr(0, at)), std::string(internal.substr(at + 1))};
}

std::string quote_local(std::string_view local) {
    if (is_dot_string(local)) return std::string(local);
    std::string quoted = "\"";
    for (const char c : local) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted += '"';
}

std::string Mailbox::internal() const {
    return domain.empty() ? local : local + '@' + domain;
}

std::string Mailbox::external() const {
    if (is_null()) return {};
    return domain.empty() ? quote_local(local) : quote_local(local) + '@' + domain;
}

std::string to_external(std::string_view internal) {
    return split_internal(internal).external();
}

std::string to_internal(std::string_view external) {
    if (external.empty() || external.front() != '"') return std::string(external);
    std::string internal;
    std::size_t i = 1;
    for (; i < external.size() && external[i] != '"'; ++i) {
        if (external[i] == '\\' && i + 1 < external.size()) ++i;
        internal += external[i];
    }
    if (i < external.size()) internal += external.substr(i + 1);
    return internal;
}

}  // namespace facteur::smtp
