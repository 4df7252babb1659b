#include "lib/store/maildir/takeover.h"

#include "lib/base/text.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/files.h"
#include "lib/store/store.h"

namespace facteur::store::maildir {
namespace {

std::uint32_t uid_in(std::string_view text) {
    auto number = parse_number(text);
    return number && *number > 0 && *number <= 0xffffffff ? static_cast<std::uint32_t>(*number) : 0;
}

std::string_view take_line(std::string_view& text) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

/// "3 V1700000000 N12 G0123…" or, in version 1, "1 1700000000 12".
bool parse_uidlist_header(std::string_view line, Legacy& legacy) {
    auto fields = words(line, " ");
    if (fields.empty()) return false;
    if (fields[0] == "1" && fields.size() >= 3) {
        legacy.uid_validity = uid_in(fields[1]);
        legacy.next_uid = uid_in(fields[2]);
    } else if (fields[0] == "3") {
        for (std::string_view field : fields) {
            if (field.starts_with('V')) legacy.uid_validity = uid_in(field.substr(1));
            if (field.starts_with('N')) legacy.next_uid = uid_in(field.substr(1));
        }
    }
    return legacy.uid_validity > 0 && legacy.next_uid > 0;
}

/// "12 W1234 :1700000000.M1P2.host,S=1200" or, in version 1, "12 name".
void parse_uidlist_line(std::string_view line, bool with_fields, Legacy& legacy) {
    std::uint32_t uid = uid_in(take_word(line));
    if (uid == 0) return;
    std::uint32_t wire_size = 0;
    if (with_fields) {
        while (!line.empty() && !line.starts_with(':')) {
            std::string_view field = take_word(line);
            if (field.starts_with('W')) wire_size = uid_in(field.substr(1));
        }
        if (line.empty()) return;
        line.remove_prefix(1);
    }
    std::string key = message_key(line);
    if (wire_size > 0) legacy.wire_sizes[key] = wire_size;
    if (uid >= legacy.next_uid) legacy.next_uid = uid + 1;
    legacy.uids[std::move(key)] = uid;
}

}  // namespace

bool parse_dovecot_uidlist(std::string_view text, Legacy& legacy) {
    std::string_view header = take_line(text);
    if (!parse_uidlist_header(header, legacy)) return false;
    while (!text.empty())
        parse_uidlist_line(take_line(text), header.starts_with('3'), legacy);
    return true;
}

bool parse_courier_uiddb(std::string_view text, Legacy& legacy) {
    // "1 uidvalidity nextuid", then "uid name": the form that Dovecot took over as version 1.
    return text.starts_with("1 ") && parse_dovecot_uidlist(text, legacy);
}

void parse_dovecot_keywords(std::string_view text, Legacy& legacy) {
    while (!text.empty()) {
        std::string_view line = take_line(text);
        auto index = parse_number(take_word(line));
        if (!index || *index >= kMaxKeywords || line.empty()) continue;
        if (legacy.keywords.size() <= *index) legacy.keywords.resize(*index + 1);
        legacy.keywords[*index] = std::string(line);
    }
}

void parse_courier_keywords(std::string_view text, Legacy& legacy) {
    // Names, one a line, an empty line, then "file name:number number …".
    std::vector<std::string> names;
    while (!text.empty()) {
        std::string_view line = take_line(text);
        if (line.empty()) break;
        names.emplace_back(line);
    }
    while (!text.empty()) {
        std::string_view line = take_line(text);
        std::size_t colon = line.rfind(':');
        if (colon == std::string_view::npos) continue;
        auto& list = legacy.message_keywords[message_key(line.substr(0, colon))];
        for (std::string_view word : words(line.substr(colon + 1), " ")) {
            auto number = parse_number(word);
            if (number && *number < names.size()) list.push_back(names[*number]);
        }
    }
}

std::string format_dovecot_keywords(const std::vector<std::string>& keywords) {
    std::string out;
    for (std::size_t i = 0; i < keywords.size(); ++i) {
        if (!keywords[i].empty()) out += std::to_string(i) + " " + keywords[i] + "\n";
    }
    return out;
}

Result<Legacy> read_legacy(const std::string& dir) {
    Legacy legacy;
    TRY(std::string text, read_optional(dir + "/dovecot-uidlist"));
    if (text.empty() || !parse_dovecot_uidlist(text, legacy)) {
        legacy = Legacy();
        TRY(text, read_optional(dir + "/courierimapuiddb"));
        if (text.empty() || !parse_courier_uiddb(text, legacy)) legacy = Legacy();
        TRY(std::string keywords, read_optional(dir + "/courierimapkeywords/:list"));
        parse_courier_keywords(keywords, legacy);
    }
    TRY(std::string keywords, read_optional(dir + "/dovecot-keywords"));
    parse_dovecot_keywords(keywords, legacy);
    return legacy;
}

std::vector<std::string> parse_subscriptions(std::string_view text, char separator) {
    std::vector<std::string> names;
    bool version2 = text.starts_with("V\t2\n");
    if (version2) {
        take_line(text);
        if (text.starts_with('\n')) take_line(text);
    }
    while (!text.empty()) {
        std::string name(take_line(text));
        // Version 2 has TABs between levels, version 1 the file system's dots.
        for (char& c : name)
            if (c == (version2 ? '\t' : '.')) c = separator;
        if (!name.empty()) names.push_back(std::move(name));
    }
    return names;
}

std::vector<std::string> parse_courier_subscribed(std::string_view text, char separator) {
    std::vector<std::string> names;
    while (!text.empty()) {
        std::string_view line = take_line(text);
        // Courier shows all folders below INBOX.
        if (istarts_with(line, "INBOX.")) line.remove_prefix(6);
        std::string name(line);
        for (char& c : name)
            if (c == '.') c = separator;
        if (!name.empty()) names.push_back(std::move(name));
    }
    return names;
}

}  // namespace facteur::store::maildir
