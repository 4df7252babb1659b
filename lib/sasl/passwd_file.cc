#include "lib/sasl/passwd_file.h"

#include <algorithm>

#include "lib/base/text.h"

namespace facteur::sasl {
namespace {

/// The user of a line, or nothing when the line is empty or a comment.
std::optional<std::string_view> user_of(std::string_view line) {
    if (line.empty() || line.front() == '#' || line.front() == ':' || is_space(line.front())) {
        return std::nullopt;
    }
    return line.substr(0, line.find(':'));
}

/// As it stands in the file, but for its LF.
std::string_view take_raw_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::string_view without_return(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

std::string_view take_field(std::string_view& line) {
    const auto end = line.find(':');
    const auto field = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return field;
}

std::string extra_text(const PasswdEntry& entry) {
    std::string text;
    for (const auto& [name, value] : entry.extra) {
        if (!text.empty()) text += ' ';
        text += name;
        if (!value.empty()) text.append("=").append(value);
    }
    return text;
}

}  // namespace

std::optional<std::string_view> PasswdEntry::field(std::string_view name) const {
    const auto found = std::ranges::find_if(extra, [&](const auto& e) { return e.first == name; });
    if (found == extra.end()) return std::nullopt;
    return found->second;
}

std::optional<PasswdEntry> parse_passwd_line(std::string_view line) {
    if (!user_of(line)) return std::nullopt;
    PasswdEntry entry;
    for (std::string* field : {&entry.user, &entry.password, &entry.uid, &entry.gid, &entry.gecos,
                               &entry.home, &entry.shell}) {
        *field = take_field(line);
    }
    for (std::string_view word : words(line, " \t")) {
        const auto equals = word.find('=');
        const auto value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
        entry.extra.emplace_back(word.substr(0, equals), value);
    }
    return entry;
}

std::string to_line(const PasswdEntry& entry) {
    std::string line = join({entry.user, entry.password, entry.uid, entry.gid, entry.gecos,
                             entry.home, entry.shell, extra_text(entry)},
                            ":");
    const auto last = line.find_last_not_of(':');
    // A user without password keeps the colon that tells it from a damaged line.
    line.resize(std::max(last + 1, entry.user.size() + 1));
    return line;
}

PasswdFile::PasswdFile(std::string text) : text_(std::move(text)) {
    lines_.reserve(text_.size() / 64);
    for (std::string_view rest = text_; !rest.empty();) {
        const auto line = without_return(take_raw_line(rest));
        if (const auto user = user_of(line)) lines_.insert_or_assign(*user, line);
    }
}

std::optional<PasswdEntry> PasswdFile::find(std::string_view user) const {
    const auto found = lines_.find(user);
    return found == lines_.end() ? std::nullopt : parse_passwd_line(found->second);
}

std::optional<PasswdEntry> PasswdFile::sample(std::size_t seed) const {
    if (lines_.empty()) return std::nullopt;
    std::size_t bucket = seed % lines_.bucket_count();
    while (lines_.bucket_size(bucket) == 0)
        bucket = (bucket + 1) % lines_.bucket_count();
    return parse_passwd_line(lines_.begin(bucket)->second);
}

std::vector<std::string_view> PasswdFile::users() const {
    std::vector<std::pair<const char*, std::string_view>> placed;
    placed.reserve(lines_.size());
    for (const auto& [user, line] : lines_)
        placed.emplace_back(line.data(), user);
    std::ranges::sort(placed);
    std::vector<std::string_view> names;
    names.reserve(placed.size());
    for (const auto& [place, user] : placed)
        names.push_back(user);
    return names;
}

bool is_user_name(std::string_view user) {
    return !user.empty() && user.size() <= 255 && user.front() != '#' &&
           std::ranges::none_of(user, [](char c) {
               return c == ':' || is_space(c) || static_cast<unsigned char>(c) < ' ' || c == 127;
           });
}

std::string with_user(std::string_view text, const PasswdEntry& entry) {
    std::string changed;
    bool done = false;
    while (!text.empty()) {
        const auto line = take_raw_line(text);
        if (user_of(without_return(line)) != entry.user) {
            changed.append(line).append("\n");
        } else if (!done) {
            changed.append(to_line(entry)).append("\n");
            done = true;
        }
    }
    if (!done) changed.append(to_line(entry)).append("\n");
    return changed;
}

Result<std::string> without_user(std::string_view text, std::string_view user) {
    std::string changed;
    bool found = false;
    while (!text.empty()) {
        const auto line = take_raw_line(text);
        if (user_of(without_return(line)) == user) {
            found = true;
        } else {
            changed.append(line).append("\n");
        }
    }
    if (!found) return permanent("no such user: " + printable(user), "5.1.1");
    return changed;
}

}  // namespace facteur::sasl
