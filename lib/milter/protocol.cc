#include "lib/milter/protocol.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/smtp/status.h"

namespace facteur::milter {
namespace {

/// Flags that only later versions know.
constexpr std::uint32_t kActions2 = 0x3F;
constexpr std::uint32_t kProtocol2 = 0x7F;
constexpr std::uint32_t kProtocol3 = kProtocol2 | no_unknown;
constexpr std::uint32_t kProtocol4 = kProtocol3 | no_data;
constexpr std::uint32_t kProtocol6 = 0x1FFFFF;

std::unexpected<Error> malformed(std::string_view what) {
    return permanent("malformed " + std::string(what));
}

/// A string up to its NUL off the front; the last one may lack it.
bool take_string(std::string_view& data, std::string& out) {
    const std::size_t end = data.find('\0');
    if (end == std::string_view::npos) return false;
    out = data.substr(0, end);
    data.remove_prefix(end + 1);
    return true;
}

bool take_number(std::string_view& data, std::uint32_t& number) {
    if (data.size() < 4) return false;
    number = 0;
    for (int i = 0; i < 4; ++i)
        number = number << 8 | static_cast<unsigned char>(data[static_cast<std::size_t>(i)]);
    data.remove_prefix(4);
    return true;
}

/// What follows an address: all strings, in one.
std::string rest_of(std::string_view data) {
    std::string text;
    std::string word;
    while (take_string(data, word)) {
        if (!text.empty() && !word.empty()) text += ' ';
        text += word;
    }
    return text;
}

/// "<a@b>" or "a@b".
std::string address_in(std::string_view text) {
    text = trim(text);
    if (text.size() >= 2 && text.front() == '<' && text.back() == '>')
        text = text.substr(1, text.size() - 2);
    return std::string(text);
}

Result<Answer> with_header(Kind kind, std::string_view data) {
    Answer answer;
    answer.kind = kind;
    const bool indexed = kind != Kind::add_header;
    if (indexed && !take_number(data, answer.index)) return malformed("header index");
    if (!take_string(data, answer.name) || !take_string(data, answer.value) || !data.empty())
        return malformed("header");
    if (kind == Kind::change_header && answer.index == 0) return malformed("header index");
    for (const char c : answer.name) {
        if (c <= ' ' || c >= '\x7F' || c == ':') return malformed("header name");
    }
    if (answer.name.empty()) return malformed("header name");
    return answer;
}

Result<Answer> with_address(Kind kind, std::string_view data, bool parameters) {
    Answer answer;
    answer.kind = kind;
    std::string text;
    if (!take_string(data, text)) return malformed("address");
    answer.name = address_in(text);
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == '\x7F';
    };
    if (std::any_of(answer.name.begin(), answer.name.end(), is_control))
        return malformed("address");
    if (answer.name.empty() && kind != Kind::change_sender) return malformed("address");
    if (parameters) answer.value = rest_of(data);
    return answer;
}

Result<Answer> with_text(Kind kind, std::string_view data) {
    Answer answer;
    answer.kind = kind;
    if (!take_string(data, answer.value)) return malformed("text");
    return answer;
}

Result<Answer> plain(Kind kind) {
    Answer answer;
    answer.kind = kind;
    return answer;
}

}  // namespace

void put_number(std::string& out, std::uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>(number >> shift & 0xFF);
}

void put_string(std::string& out, std::string_view text) {
    out.append(text.substr(0, text.find('\0'))).push_back('\0');
}

std::string packet(Command command, std::string_view data) {
    std::string out;
    out.reserve(data.size() + 5);
    put_number(out, static_cast<std::uint32_t>(data.size() + 1));
    out += static_cast<char>(command);
    return out.append(data);
}

Terms offer(std::uint32_t version) {
    Terms terms;
    terms.version = version;
    terms.actions = version < 6 ? kActions2 : kAllActions;
    terms.protocol = version <= 2   ? kProtocol2
                     : version == 3 ? kProtocol3
                     : version <= 5 ? kProtocol4
                                    : kProtocol6;
    return terms;
}

std::string negotiation(const Terms& terms) {
    std::string data;
    put_number(data, terms.version);
    put_number(data, terms.actions);
    put_number(data, terms.protocol);
    return packet(Command::negotiate, data);
}

Result<Terms> parse_negotiation(std::string_view data, const Terms& offered) {
    Terms terms;
    if (!take_number(data, terms.version) || !take_number(data, terms.actions) ||
        !take_number(data, terms.protocol))
        return malformed("negotiation");
    if (terms.version < 2 || terms.version > offered.version)
        return permanent("protocol version " + std::to_string(terms.version) + " where " +
                         std::to_string(offered.version) + " was offered");
    if ((terms.actions & ~offered.actions) != 0) return permanent("actions that were not offered");
    // The size of body chunks (0x10000000, 0x20000000) may be named; ours are the smallest.
    if ((terms.protocol & 0x0FFFFFFF & ~offered.protocol) != 0)
        return permanent("protocol steps that were not offered");
    while (!data.empty()) {
        std::pair<std::uint32_t, std::string> wish;
        if (!take_number(data, wish.first) || !take_string(data, wish.second))
            return malformed("list of macros");
        terms.macros.push_back(std::move(wish));
    }
    return terms;
}

Result<Answer> parse_answer(char kind, std::string_view data) {
    switch (kind) {
        case 'c':
            return plain(Kind::go_on);
        case 'a':
            return plain(Kind::accept);
        case 'r':
            return plain(Kind::reject);
        case 't':
            return plain(Kind::tempfail);
        case 'd':
            return plain(Kind::discard);
        case '4':
            return plain(Kind::shutdown);
        case 'f':
            return plain(Kind::connection_failed);
        case 's':
            return plain(Kind::skip);
        case 'p':
            return plain(Kind::progress);
        case 'y':
            return with_text(Kind::reply_code, data);
        case 'q':
            return with_text(Kind::quarantine, data);
        case 'h':
            return with_header(Kind::add_header, data);
        case 'i':
            return with_header(Kind::insert_header, data);
        case 'm':
            return with_header(Kind::change_header, data);
        case 'e':
            return with_address(Kind::change_sender, data, true);
        case '+':
            return with_address(Kind::add_recipient, data, false);
        case '2':
            return with_address(Kind::add_recipient, data, true);
        case '-':
            return with_address(Kind::delete_recipient, data, false);
        case 'b': {
            Answer answer;
            answer.kind = Kind::replace_body;
            answer.value = data;
            return answer;
        }
        default:
            return permanent(std::string("unknown answer '") + printable({&kind, 1}) + "'");
    }
}

Result<ReplyText> parse_reply_text(std::string_view text) {
    ReplyText reply;
    while (text.ends_with('\n') || text.ends_with('\r'))
        text.remove_suffix(1);
    bool first = true;
    for (std::string_view line : split(text, '\n')) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto code = parse_number(line.substr(0, 3));
        const bool right = line.size() >= 3 && code && *code >= 400 && *code <= 599 &&
                           (line.size() == 3 || line[3] == ' ' || line[3] == '-') &&
                           (first || static_cast<int>(*code) == reply.code);
        if (!right) return malformed("reply code");
        reply.code = static_cast<int>(*code);
        line.remove_prefix(std::min<std::size_t>(4, line.size()));
        const std::string_view status = smtp::take_status(line, reply.code);
        if (first) reply.status = status;
        if (!first) reply.text += '\n';
        reply.text += printable(line, 1000);
        first = false;
    }
    if (reply.status.empty()) reply.status = reply.code >= 500 ? "5.0.0" : "4.0.0";
    return reply;
}

}  // namespace facteur::milter
