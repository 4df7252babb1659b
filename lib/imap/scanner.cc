#include "lib/imap/scanner.h"

#include "lib/base/text.h"

namespace facteur::imap {

namespace {

std::unexpected<Error> bad(const char* what) {
    return permanent(what, "5.5.2");
}

bool is_keyword_char(char c) {
    return is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
}

// RFC 3501 section 9: tag = 1*<any ASTRING-CHAR except "+">
bool is_tag_char(char c) {
    return is_astring_char(c) && c != '+';
}

bool is_date_char(char c) {
    return is_alpha(c) || is_digit(c) || c == '-';
}

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

// One or two digits (a space may stand for the first), "-Mon-YYYY".
std::optional<Day> parse_day(std::string_view text) {
    text = trim(text);
    std::size_t dash = text.find('-');
    if (dash == 0 || dash > 2 || text.size() != dash + 9 || text[dash + 4] != '-') return {};
    auto day = parse_number(text.substr(0, dash));
    unsigned month = month_number(text.substr(dash + 1, 3));
    auto year = parse_number(text.substr(dash + 5));
    if (!day || month == 0 || !year) return {};
    std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                     std::chrono::month(month),
                                     std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return {};
    return Day(date);
}

// Two digits, less than `limit`; -1 otherwise.
int two_digits(std::string_view text, int limit) {
    if (!is_digit(text[0]) || !is_digit(text[1])) return -1;
    int value = (text[0] - '0') * 10 + (text[1] - '0');
    return value < limit ? value : -1;
}

}  // namespace

bool is_atom_char(char c) {
    auto u = static_cast<unsigned char>(c);
    return u > 0x20 && u < 0x7f && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
}

bool is_astring_char(char c) {
    return is_atom_char(c) || c == ']';
}

bool is_list_char(char c) {
    return is_astring_char(c) || c == '%' || c == '*';
}

unsigned month_number(std::string_view name) {
    if (name.size() != 3) return 0;
    for (unsigned month = 0; month < 12; ++month) {
        if (iequals(kMonths.substr(month * 3, 3), name)) return month + 1;
    }
    return 0;
}

bool Scanner::take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
}

bool Scanner::take(std::string_view word) {
    if (!istarts_with(rest_, word)) return false;
    rest_.remove_prefix(word.size());
    return true;
}

std::string_view Scanner::take_while(bool (*belongs)(char)) {
    std::size_t length = 0;
    while (length < rest_.size() && belongs(rest_[length]))
        ++length;
    std::string_view taken = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return taken;
}

Result<void> Scanner::sp() {
    if (!take(' ')) return bad(at_end() ? "Missing argument" : "Space expected");
    return {};
}

Result<void> Scanner::expect(char c) {
    if (!take(c)) return permanent(std::string("'") + c + "' expected", "5.5.2");
    return {};
}

Result<void> Scanner::end() {
    if (!at_end()) return bad("Unexpected text after the command");
    return {};
}

Result<std::string> Scanner::tag() {
    std::string_view text = take_while(is_tag_char);
    if (text.empty()) return bad("Missing or invalid tag");
    return std::string(text);
}

Result<std::string> Scanner::atom() {
    std::string_view text = take_while(is_atom_char);
    if (text.empty()) return bad("Atom expected");
    return std::string(text);
}

std::string Scanner::keyword() {
    return to_upper(take_while(is_keyword_char));
}

Result<std::string> Scanner::quoted() {
    std::string text;
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
        char c = rest_.front();
        rest_.remove_prefix(1);
        if (c == '"') return text;
        if (c == '\\') {
            // RFC 3501 section 9: only quoted-specials may be escaped.
            if (rest_.empty() || (rest_.front() != '"' && rest_.front() != '\\')) break;
            c = rest_.front();
            rest_.remove_prefix(1);
        } else if (c == '\r' || c == '\n' || c == '\0') {
            break;
        }
        text += c;  // octets above 127 are let through: clients send UTF-8 here
    }
    return bad("Invalid quoted string");
}

Result<std::string> Scanner::literal(bool binary) {
    std::size_t line_end = rest_.find('\n');
    if (line_end == std::string_view::npos) return bad("Invalid literal");
    std::string_view line = rest_.substr(0, line_end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    auto mark = trailing_literal(line);
    if (!mark || mark->at != 0 || rest_.size() - line_end - 1 < mark->size) {
        return bad("Invalid literal");
    }
    std::string text(rest_.substr(line_end + 1, mark->size));
    rest_.remove_prefix(line_end + 1 + mark->size);
    // RFC 3501 section 9: CHAR8 is any octet but NUL.
    if (!binary && text.find('\0') != std::string::npos) return bad("NUL in literal");
    return text;
}

Result<std::string> Scanner::string() {
    if (next_is('"')) return quoted();
    if (next_is('{')) return literal();
    return bad("String expected");
}

Result<std::string> Scanner::astring() {
    if (next_is('"') || next_is('{')) return string();
    std::string_view text = take_while(is_astring_char);
    if (text.empty()) return bad("Atom or string expected");
    return std::string(text);
}

Result<std::optional<std::string>> Scanner::nstring() {
    if (take("NIL")) return std::nullopt;
    TRY(std::string text, string());
    return std::optional<std::string>(std::move(text));
}

Result<std::optional<std::string>> Scanner::nstring8() {
    if (!rest_.starts_with("~{")) return nstring();
    TRY(std::string text, literal(true));
    return std::optional<std::string>(std::move(text));
}

Result<std::string> Scanner::list_mailbox() {
    if (next_is('"') || next_is('{')) return string();
    std::string_view text = take_while(is_list_char);
    if (text.empty()) return bad("Mailbox pattern expected");
    return std::string(text);
}

Result<std::uint64_t> Scanner::number64() {
    auto value = parse_number(take_while([](char c) { return is_digit(c); }));
    if (!value) return bad("Number expected");
    return *value;
}

Result<std::uint64_t> Scanner::modseq() {
    TRY(std::uint64_t value, number64());
    if (value > INT64_MAX) return bad("Invalid modseq");
    return value;
}

Result<std::uint32_t> Scanner::number() {
    TRY(std::uint64_t value, number64());
    if (value > UINT32_MAX) return bad("Number is too large");
    return static_cast<std::uint32_t>(value);
}

Result<std::uint32_t> Scanner::nz_number() {
    TRY(std::uint32_t value, number());
    if (value == 0) return bad("Number must not be zero");
    return value;
}

// RFC 3501 section 9: flag = "\Answered" / … / flag-keyword / flag-extension.  We know no
// extension, and flag-perm's "\*" and \Recent are the server's to say.
Result<void> Scanner::flag(FlagList& into) {
    bool is_system = take('\\');
    TRY(std::string name, atom());
    if (!is_system) {
        into.keywords.push_back(std::move(name));
        return {};
    }
    std::uint8_t bit = system_flag("\\" + name);
    if (bit == 0 || bit == recent) return bad("Invalid system flag");
    into.system |= bit;
    return {};
}

Result<FlagList> Scanner::flag_list() {
    FlagList flags;
    TRY_VOID(expect('('));
    if (take(')')) return flags;
    for (;;) {
        TRY_VOID(flag(flags));
        if (take(')')) return flags;
        TRY_VOID(sp());
    }
}

Result<FlagList> Scanner::flags_to_end() {
    if (next_is('(')) return flag_list();
    FlagList flags;
    for (;;) {
        TRY_VOID(flag(flags));
        if (at_end()) return flags;
        TRY_VOID(sp());
    }
}

// RFC 3501 section 9: DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
Result<WallTime> Scanner::date_time() {
    if (!next_is('"')) return bad("Date and time expected");
    TRY(std::string text, quoted());
    if (text.size() != 26 || text[11] != ' ' || text[14] != ':' || text[17] != ':' ||
        text[20] != ' ' || (text[21] != '+' && text[21] != '-')) {
        return bad("Invalid date and time");
    }
    auto day = parse_day(std::string_view(text).substr(0, 11));
    int hour = two_digits(std::string_view(text).substr(12), 24);
    int minute = two_digits(std::string_view(text).substr(15), 60);
    int second = two_digits(std::string_view(text).substr(18), 61);
    int zone_hour = two_digits(std::string_view(text).substr(22), 100);
    int zone_minute = two_digits(std::string_view(text).substr(24), 60);
    // WallTime counts nanoseconds: it begins in 1677 and ends in 2262.
    if (day && (*day < Day(std::chrono::year(1700) / 1 / 1) ||
                *day > Day(std::chrono::year(2200) / 1 / 1))) {
        return bad("Date out of range");
    }
    if (!day || hour < 0 || minute < 0 || second < 0 || zone_hour < 0 || zone_minute < 0) {
        return bad("Invalid date and time");
    }
    Seconds zone(zone_hour * 3600 + zone_minute * 60);
    if (text[21] == '-') zone = -zone;
    return WallTime(*day) + Seconds(hour * 3600 + minute * 60 + second) - zone;
}

Result<Day> Scanner::date() {
    std::optional<Day> day;
    if (next_is('"')) {
        TRY(std::string text, quoted());
        day = parse_day(text);
    } else {
        day = parse_day(take_while(is_date_char));
    }
    if (!day) return bad("Invalid date");
    return *day;
}

std::optional<LiteralMark> trailing_literal(std::string_view line) {
    if (!line.ends_with('}')) return {};
    LiteralMark mark;
    mark.at = line.rfind('{');
    if (mark.at == std::string_view::npos) return {};
    mark.binary = mark.at > 0 && line[mark.at - 1] == '~';
    std::string_view digits = line.substr(mark.at + 1, line.size() - mark.at - 2);
    if (mark.binary) --mark.at;
    // A literal is a word of its own; "{5}" in the middle of one is only text.
    if (mark.at > 0 && line[mark.at - 1] != ' ' && line[mark.at - 1] != '(') return {};
    if (digits.ends_with('+')) {
        mark.synchronizing = false;
        digits.remove_suffix(1);
    }
    auto size = parse_number(digits);
    if (!size) return {};
    mark.size = *size;
    return mark;
}

}  // namespace facteur::imap
