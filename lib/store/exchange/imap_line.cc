#include "lib/store/exchange/imap_line.h"

#include <algorithm>
#include <ctime>

#include "lib/base/text.h"
#include "lib/mime/utf7.h"

namespace facteur::store::exchange {
namespace {

constexpr int kMostNested = 16;

/// Reads one line; each function takes what it reads off the front.
class LineParser {
public:
    explicit LineParser(std::string_view line) : rest_(line) {}

    Result<std::vector<ImapItem>> items(bool in_list, int depth) {
        std::vector<ImapItem> out;
        if (depth > kMostNested) return permanent("lists are nested too deep");
        for (;;) {
            while (rest_.starts_with(' '))
                rest_.remove_prefix(1);
            if (rest_.empty()) {
                if (in_list) return permanent("a list has no end");
                return out;
            }
            if (in_list && rest_.front() == ')') {
                rest_.remove_prefix(1);
                return out;
            }
            TRY(ImapItem one, item(depth));
            out.push_back(std::move(one));
        }
    }

private:
    Result<ImapItem> item(int depth) {
        ImapItem out;
        if (rest_.front() == '(') {
            rest_.remove_prefix(1);
            out.kind = ImapItem::Kind::list;
            TRY(out.items, items(true, depth + 1));
            return out;
        }
        out.kind = ImapItem::Kind::text;
        if (rest_.front() == '"') return quoted();
        if (rest_.front() == '{') return literal();
        out.kind = ImapItem::Kind::atom;
        out.text = atom();
        return out;
    }

    Result<ImapItem> quoted() {
        ImapItem out;
        out.kind = ImapItem::Kind::text;
        std::size_t at = 1;
        for (; at < rest_.size() && rest_[at] != '"'; ++at) {
            if (rest_[at] == '\\' && at + 1 < rest_.size()) ++at;
            out.text += rest_[at];
        }
        if (at >= rest_.size()) return permanent("a string has no end");
        rest_.remove_prefix(at + 1);
        return out;
    }

    Result<ImapItem> literal() {
        ImapItem out;
        out.kind = ImapItem::Kind::text;
        const std::size_t end = rest_.find("}\r\n");
        if (end == std::string_view::npos) {
            out.kind = ImapItem::Kind::atom;  // a brace in what is written for people
            out.text = atom();
            return out;
        }
        auto size = literal_at_end(rest_.substr(0, end + 1));
        rest_.remove_prefix(end + 3);
        if (!size || *size > rest_.size()) return permanent("a literal is cut");
        out.text = rest_.substr(0, static_cast<std::size_t>(*size));
        rest_.remove_prefix(static_cast<std::size_t>(*size));
        return out;
    }

    /// With what stands in brackets: "BODY[HEADER.FIELDS (A B)]" is one.
    std::string atom() {
        std::size_t at = 0;
        int brackets = 0;
        for (; at < rest_.size(); ++at) {
            const char c = rest_[at];
            if (c == '[') ++brackets;
            if (c == ']' && brackets > 0) --brackets;
            if (brackets == 0 && (c == ' ' || c == ')' || (c == '(' && at > 0))) break;
        }
        at = std::max<std::size_t>(at, 1);
        std::string out(rest_.substr(0, at));
        rest_.remove_prefix(at);
        return out;
    }

    std::string_view rest_;
};

std::uint32_t number(std::string_view text) {
    auto value = parse_number(text);
    return value && *value <= 0xffffffff ? static_cast<std::uint32_t>(*value) : 0;
}

/// "[UIDVALIDITY 5]" as one atom.
std::uint32_t code_of(std::string_view code, std::string_view name) {
    if (!istarts_with(code, name)) return 0;
    code.remove_prefix(name.size());
    return number(trim(code.substr(0, code.find(']'))));
}

Flags flag_of(std::string_view name) {
    if (iequals(name, "\\Seen")) return seen;
    if (iequals(name, "\\Answered")) return answered;
    if (iequals(name, "\\Flagged")) return flagged;
    if (iequals(name, "\\Deleted")) return deleted;
    if (iequals(name, "\\Draft")) return draft;
    return 0;
}

}  // namespace

Result<std::vector<ImapItem>> parse_imap_line(std::string_view line) {
    return LineParser(line).items(false, 0);
}

std::optional<std::uint64_t> literal_at_end(std::string_view line) {
    if (!line.ends_with('}')) return std::nullopt;
    const std::size_t open = line.rfind('{');
    if (open == std::string_view::npos) return std::nullopt;
    std::string_view digits = line.substr(open + 1, line.size() - open - 2);
    if (digits.ends_with('+')) digits.remove_suffix(1);
    return parse_number(digits);
}

std::string percent_decode(std::string_view text) {
    std::string out;
    auto digit = [](char c) {
        if (is_digit(c)) return c - '0';
        return lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : -1;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool coded = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
                           digit(text[i + 2]) >= 0;
        if (!coded) {
            out += text[i];
            continue;
        }
        out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
        i += 2;
    }
    return out;
}

std::optional<std::int64_t> parse_internal_date(std::string_view text) {
    const std::string copy(trim(text));
    std::tm when{};
    const char* end = ::strptime(copy.c_str(), "%d-%b-%Y %H:%M:%S", &when);
    if (!end) return std::nullopt;
    const std::string_view zone = trim(std::string_view(end));
    long offset = 0;
    if (zone.size() == 5) {
        const auto hhmm = static_cast<long>(parse_number(zone.substr(1)).value_or(0));
        offset = (hhmm / 100 * 3600 + hhmm % 100 * 60) * (zone[0] == '-' ? -1 : 1);
    }
    return ::timegm(&when) - offset;
}

Task<Result<void>> hear_listed(std::vector<ImapItem> items, std::vector<SourceMailbox>& out,
                               std::vector<std::string>& subscribed) {
    if (items.size() < 5 || items[2].kind != ImapItem::Kind::list) co_return Result<void>();
    if (iequals(items[1].text, "LSUB")) {
        subscribed.push_back(items[4].text);
        co_return Result<void>();
    }
    if (!iequals(items[1].text, "LIST")) co_return Result<void>();
    for (const ImapItem& attribute : items[2].items)
        if (iequals(attribute.text, "\\Noselect") || iequals(attribute.text, "\\NonExistent"))
            co_return Result<void>();
    SourceMailbox mailbox;
    mailbox.where = items[4].text;
    mailbox.name = mime::utf7_to_utf8(mailbox.where).value_or(mailbox.where);
    if (iequals(mailbox.name, "INBOX")) mailbox.name = "INBOX";
    if (items[3].text.size() == 1 && items[3].kind == ImapItem::Kind::text)
        std::replace(mailbox.name.begin(), mailbox.name.end(), items[3].text[0], '/');
    out.push_back(std::move(mailbox));
    co_return Result<void>();
}

Task<Result<void>> hear_search(std::vector<ImapItem> items, std::vector<std::uint32_t>& out) {
    if (!iequals(items[1].text, "SEARCH")) co_return Result<void>();
    for (std::size_t i = 2; i < items.size(); ++i)
        if (std::uint32_t uid = number(items[i].text)) out.push_back(uid);
    co_return Result<void>();
}

Task<Result<void>> hear_selected(std::vector<ImapItem> items, SourceMailbox& mailbox) {
    if (items.size() > 2 && iequals(items[2].text, "EXISTS"))
        mailbox.messages = number(items[1].text);
    if (items.size() > 2 && iequals(items[1].text, "OK")) {
        if (std::uint32_t value = code_of(items[2].text, "[UIDVALIDITY "))
            mailbox.uid_validity = value;
        if (std::uint32_t value = code_of(items[2].text, "[UIDNEXT ")) mailbox.uid_next = value;
    }
    co_return Result<void>();
}

Task<Result<void>> hear_message(std::vector<ImapItem> items, const Take& take) {
    if (items.size() < 4 || !iequals(items[2].text, "FETCH")) co_return Result<void>();
    SourceMessage message;
    bool has_body = false;
    std::vector<ImapItem>& parts = items[3].items;
    for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
        const std::string& name = parts[i].text;
        ImapItem& value = parts[i + 1];
        if (iequals(name, "UID")) message.uid = number(value.text);
        if (iequals(name, "INTERNALDATE")) message.internal_date = parse_internal_date(value.text);
        if (iequals(name, "BODY[]")) {
            has_body = true;
            message.bytes = std::move(value.text);
        }
        if (!iequals(name, "FLAGS")) continue;
        for (const ImapItem& flag : value.items) {
            message.flags |= flag_of(flag.text);
            if (!flag.text.starts_with('\\')) message.keywords.push_back(flag.text);
        }
    }
    // Flags of messages that somebody changes meanwhile come without a body.
    if (!has_body || message.uid == 0) co_return Result<void>();
    co_return co_await take(std::move(message));
}

}  // namespace facteur::store::exchange
