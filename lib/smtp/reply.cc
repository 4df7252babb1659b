#include "lib/smtp/reply.h"

#include "lib/base/text.h"
#include "lib/smtp/status.h"

namespace facteur::smtp {

namespace {

void append_code(std::string& out, int code) {
    out += static_cast<char>('0' + code / 100 % 10);
    out += static_cast<char>('0' + code / 10 % 10);
    out += static_cast<char>('0' + code % 10);
}

/// Text that came from elsewhere (a table, a filter) must not become a reply of its own.
void append_text(std::string& out, std::string_view text) {
    for (const char c : text) {
        if (c != '\r') out += c;
    }
}

}  // namespace

void append_wire(std::string& out, const Reply& reply) {
    std::string_view text = reply.text;
    while (true) {
        const std::size_t end = text.find('\n');
        append_code(out, reply.code);
        out += end == std::string_view::npos ? ' ' : '-';
        if (!reply.status.empty()) out.append(reply.status).append(" ");
        append_text(out, text.substr(0, end));
        out += "\r\n";
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

std::string to_wire(const Reply& reply) {
    std::string out;
    append_wire(out, reply);
    return out;
}

std::string to_line(const Reply& reply) {
    std::string out;
    append_code(out, reply.code);
    if (!reply.status.empty()) out.append(" ").append(reply.status);
    if (!reply.text.empty()) out.append(" ");
    for (const char c : reply.text)
        out += c == '\n' ? ' ' : c;
    return out;
}

Result<bool> ReplyReader::add(std::string_view line) {
    const auto refuse = [] { return temporary("malformed SMTP reply", "4.5.0"); };
    if (line.size() < 3 || ++lines_ > kMaxLines) return refuse();
    const auto code = parse_number(line.substr(0, 3));
    if (!code || *code < 200 || *code > 599) return refuse();
    const bool more = line.size() > 3 && line[3] == '-';
    // RFC 5321 section 4.2: a client must cope with a reply code alone.
    if (line.size() > 3 && !more && line[3] != ' ') return refuse();
    // RFC 5321 section 4.2.1: all lines carry the same code; the last one counts if they do not.
    reply_.code = static_cast<int>(*code);
    std::string_view text = line.substr(line.size() > 3 ? 4 : 3);
    const std::string_view status = take_status(text, reply_.code);
    if (reply_.status.empty()) reply_.status = status;
    if (reply_.text.size() + text.size() < kMaxText) {
        if (lines_ > 1) reply_.text += '\n';
        reply_.text += text;
    }
    return !more;
}

Reply ReplyReader::take() {
    lines_ = 0;
    return std::exchange(reply_, Reply{0, {}, {}});
}

}  // namespace facteur::smtp
