#include "lib/store/exchange/mbox.h"

#include <ctime>
#include <filesystem>

#include "lib/base/read_file.h"
#include "lib/base/text.h"

namespace facteur::store::exchange {
namespace {

constexpr std::string_view kFrom = "From ";

/// The text up to and with its LF; without CR and LF in `line`.
std::string_view take_line(std::string_view& text, std::string_view& line) {
    const std::size_t end = text.find('\n');
    const std::string_view whole = text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(whole.size());
    line = whole;
    while (line.ends_with('\n') || line.ends_with('\r'))
        line.remove_suffix(1);
    return whole;
}

bool is_quoted_from(std::string_view line) {
    const std::size_t quotes = line.find_first_not_of('>');
    return quotes != std::string_view::npos && quotes > 0 && line.substr(quotes).starts_with(kFrom);
}

Flags flags_in(std::string_view letters) {
    Flags out = 0;
    for (char c : letters) {
        if (c == 'R') out |= seen;
        if (c == 'A') out |= answered;
        if (c == 'F') out |= flagged;
        if (c == 'T') out |= draft;
        if (c == 'D') out |= deleted;
    }
    return out;
}

std::uint32_t number_in(std::string_view text) {
    auto number = parse_number(trim(text));
    return number && *number < 0xffffffff ? static_cast<std::uint32_t>(*number) : 0;
}

}  // namespace

std::string to_wire(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 32);
    std::string_view line;
    while (!text.empty()) {
        const std::string_view whole = take_line(text, line);
        const bool ended = whole.ends_with('\n');
        // Only the line's own end: other CRs are content.
        std::string_view content = whole;
        if (ended) content.remove_suffix(1);
        if (ended && content.ends_with('\r')) content.remove_suffix(1);
        out += content;
        if (ended) out += "\r\n";
    }
    return out;
}

std::optional<std::int64_t> parse_from_line(std::string_view line) {
    if (!line.starts_with(kFrom)) return std::nullopt;
    line.remove_prefix(kFrom.size());
    // The sender may hold spaces when it is quoted: the date is looked for from the end.
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (at > 0 && line[at - 1] != ' ') continue;
        std::tm when{};
        const std::string rest(line.substr(at, 40));
        const char* end = ::strptime(rest.c_str(), "%a %b %d %H:%M:%S", &when);
        if (!end) continue;
        // A zone may stand before the year: "EST 2024", "+0100 2024".
        long zone = 0;
        int sign = 0, hhmm = 0, used = 0;
        while (*end == ' ')
            ++end;
        if (char mark = *end; (mark == '+' || mark == '-')) {
            sign = mark == '+' ? 1 : -1;
            if (std::sscanf(end + 1, "%4d%n", &hhmm, &used) == 1) end += 1 + used;
            zone = sign * (hhmm / 100 * 3600L + hhmm % 100 * 60L);
        } else {
            while (is_alpha(*end))
                ++end;
        }
        while (*end == ' ')
            ++end;
        if (!::strptime(end, "%Y", &when)) continue;
        return ::timegm(&when) - zone;
    }
    return std::nullopt;
}

/// Up to the next From_ line that stands behind an empty line, as mboxrd and mboxo want it.
std::string_view MboxReader::take_raw() {
    std::string_view all = rest_;
    std::string_view scan = rest_;
    std::string_view line;
    take_line(scan, line);
    bool after_empty = false;
    while (!scan.empty()) {
        const std::string_view before = scan;
        take_line(scan, line);
        if (after_empty && line.starts_with(kFrom) && parse_from_line(line)) {
            rest_ = before;
            return all.substr(0, all.size() - before.size());
        }
        after_empty = line.empty();
    }
    rest_ = {};
    return all;
}

bool MboxReader::take_field(std::string_view line, SourceMessage& message) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = trim(line.substr(colon + 1));
    if (iequals(name, "Status") || iequals(name, "X-Status")) {
        message.flags |= flags_in(value);
    } else if (iequals(name, "X-Keywords")) {
        for (std::string_view keyword : words(value))
            message.keywords.emplace_back(keyword);
    } else if (iequals(name, "X-UID")) {
        message.uid = number_in(value);
    } else if (iequals(name, "X-IMAP") || iequals(name, "X-IMAPbase")) {
        uid_validity_ = number_in(take_word(value));
        uid_next_ = number_in(take_word(value)) + 1;
    } else {
        return false;
    }
    return true;
}

bool MboxReader::next(SourceMessage& message) {
    std::string_view line;
    for (std::string_view look = rest_; !look.empty() && take_line(look, line).size() <= 2;)
        rest_ = look;  // empty lines before the first message
    if (!rest_.starts_with(kFrom)) return false;
    message = SourceMessage();
    std::string_view raw = take_raw();
    take_line(raw, line);
    message.internal_date = parse_from_line(line);
    std::string text;
    text.reserve(raw.size() + raw.size() / 16);
    bool in_header = true;
    bool dropping = false;
    while (!raw.empty()) {
        const std::string_view whole = take_line(raw, line);
        if (in_header && line.empty()) in_header = false;
        const bool continued = in_header && (line.starts_with(' ') || line.starts_with('\t'));
        if (in_header && !continued) dropping = take_field(line, message);
        if (in_header && dropping) continue;
        text += is_quoted_from(line) ? whole.substr(1) : whole;
    }
    // The empty line between the messages is not the message's.
    if (text.ends_with("\r\n\r\n")) {
        text.resize(text.size() - 2);
    } else if (text.ends_with("\n\n")) {
        text.pop_back();
    }
    message.bytes = to_wire(text);
    return true;
}

namespace {

class MboxSource : public Source {
public:
    explicit MboxSource(std::string path) : path_(std::move(path)) {}

    Task<Result<std::vector<SourceMailbox>>> mailboxes() override {
        std::vector<SourceMailbox> out;
        std::error_code failure;
        if (!std::filesystem::is_directory(path_, failure)) {
            add(out, path_, "INBOX");
            co_return out;
        }
        std::filesystem::recursive_directory_iterator entry(path_, failure);
        for (; entry != std::filesystem::recursive_directory_iterator(); entry.increment(failure)) {
            if (!entry->is_regular_file(failure)) continue;
            const std::string file = entry->path();
            const std::string name = file.substr(path_.size() + 1);
            // What is hidden is other programs' (".imap", ".subscriptions").
            if (name.starts_with('.') || name.find("/.") != std::string::npos) continue;
            add(out, file, iequals(name, "inbox") ? "INBOX" : name);
        }
        if (failure) co_return temporary("read " + path_ + ": " + failure.message());
        co_return out;
    }

    Task<Result<void>> read(SourceMailbox& mailbox, const Have& have, const Take& take) override {
        CO_TRY(std::string text, read_file(mailbox.where));
        if (!text.empty() && !text.starts_with(kFrom) && text.find_first_not_of("\r\n") == 0)
            co_return permanent(mailbox.where + " is no mbox file");
        MboxReader reader(text);
        SourceMessage message;
        while (reader.next(message)) {
            mailbox.uid_validity = reader.uid_validity();
            mailbox.uid_next = reader.uid_next();
            if (message.uid && have(message.uid)) continue;
            CO_TRY_VOID(co_await take(std::move(message)));
        }
        co_return Result<void>();
    }

private:
    static void add(std::vector<SourceMailbox>& out, std::string where, std::string name) {
        SourceMailbox mailbox;
        mailbox.where = std::move(where);
        mailbox.name = std::move(name);
        mailbox.subscribed = true;
        out.push_back(std::move(mailbox));
    }

    const std::string path_;
};

}  // namespace

std::unique_ptr<Source> open_mbox(std::string path) {
    while (path.size() > 1 && path.ends_with('/'))
        path.pop_back();
    return std::make_unique<MboxSource>(std::move(path));
}

std::string to_mbox(const MboxEntry& entry) {
    char date[40];
    const std::time_t when = entry.date;
    std::tm utc{};
    ::gmtime_r(&when, &utc);
    std::strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &utc);
    std::string out = "From MAILER-DAEMON  " + std::string(date) + "\n";
    if (entry.uid_validity)
        out += "X-IMAPbase: " + std::to_string(entry.uid_validity) + " " +
               std::to_string(entry.uid_next - 1) + "\n";
    if (entry.uid) out += "X-UID: " + std::to_string(entry.uid) + "\n";
    out += std::string("Status: ") + (entry.flags & seen ? "RO" : "O") + "\n";
    std::string letters;
    for (auto [flag, letter] :
         {std::pair{answered, 'A'}, {flagged, 'F'}, {draft, 'T'}, {deleted, 'D'}})
        if (entry.flags & flag) letters += letter;
    if (!letters.empty()) out += "X-Status: " + letters + "\n";
    if (!entry.keywords.empty()) out += "X-Keywords: " + join(entry.keywords, " ") + "\n";
    std::string_view rest = entry.bytes;
    std::string_view line;
    while (!rest.empty()) {
        const bool ended = take_line(rest, line).ends_with('\n');
        if (line.starts_with(kFrom) || is_quoted_from(line)) out += '>';
        out += line;
        if (ended || rest.empty()) out += '\n';
    }
    return out + "\n";
}

}  // namespace facteur::store::exchange
