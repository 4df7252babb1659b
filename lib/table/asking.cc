#include "lib/table/asking.h"

#include <grp.h>
#include <pwd.h>

#include "lib/base/text.h"
#include "lib/event/worker.h"

namespace facteur::table {
namespace {

constexpr std::size_t kBuffer = 65536;

Found passwd_line(const std::string& user) {
    std::vector<char> buffer(kBuffer);
    passwd entry{};
    passwd* found = nullptr;
    const int code = getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found) {
        // POSIX lets "not found" be any of these, and systems differ.
        if (code == 0 || code == ENOENT || code == ESRCH || code == EBADF || code == EPERM)
            return std::nullopt;
        errno = code;
        return system_error("getpwnam " + printable(user, 60));
    }
    return std::string(entry.pw_name) + ":x:" + std::to_string(entry.pw_uid) + ":" +
           std::to_string(entry.pw_gid) + ":" + entry.pw_gecos + ":" + entry.pw_dir + ":" +
           entry.pw_shell;
}

Found group_line(const std::string& name) {
    std::vector<char> buffer(kBuffer);
    group entry{};
    group* found = nullptr;
    const int code = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (!found) {
        if (code == 0 || code == ENOENT || code == ESRCH) return std::nullopt;
        errno = code;
        return system_error("getgrnam " + printable(name, 60));
    }
    std::string line = std::string(entry.gr_name) + ":x:" + std::to_string(entry.gr_gid) + ":";
    for (char** member = entry.gr_mem; *member; ++member)
        line.append(member == entry.gr_mem ? "" : ",").append(*member);
    return line;
}

/// No account has such a name, and some name services treat them in odd ways.
bool is_plausible(std::string_view name) {
    if (name.empty() || name.size() > 255) return false;
    return name.find_first_of(std::string_view("\0:/\n", 4)) == std::string_view::npos;
}

}  // namespace

Found SystemTable::find(std::string_view key) {
    if (!is_plausible(key)) return std::nullopt;
    const std::string name = to_lower(key);
    auto line = kind_ == Kind::passwd ? passwd_line(name) : group_line(name);
    if (!line) return trouble(line.error().text);
    return line;
}

Task<Found> SystemTable::lookup(std::string key) {
    if (!workers_ || !is_plausible(key)) co_return find(key);
    std::function<Found()> work = [this, &key] { return find(key); };
    Found found = co_await workers_->run<Found>(std::move(work));
    co_return found;
}

Found AuthTable::find(std::string_view) {
    return trouble("only addressd can ask authd");
}

Task<Found> AuthTable::lookup(std::string key) {
    if (!ask_) co_return find(key);
    Found found = co_await ask_(to_lower(key));
    co_return found;
}

bool CombinedTable::has_patterns() const {
    // Postfix: a combination is a fixed-string table only if all its parts are.
    for (const Dictionary* part : parts_)
        if (part->has_patterns()) return true;
    return false;
}

void CombinedTable::take(Progress& progress, std::optional<std::string> value) const {
    if (kind_ == Kind::all) {
        if (value) progress.result.append(progress.result.empty() ? "" : ",").append(*value);
        return;
    }
    progress.done = !value;
    progress.result = value.value_or(std::string());
    progress.key = progress.result;
}

Found CombinedTable::outcome(const Progress& progress) const {
    if (progress.done || progress.result.empty()) return std::nullopt;
    return progress.result;
}

Found CombinedTable::find(std::string_view key) {
    Progress progress;
    progress.key = key;
    for (Dictionary* part : parts_) {
        if (progress.done) break;
        TRY(auto value, part->find(progress.key));
        take(progress, std::move(value));
    }
    return outcome(progress);
}

Task<Found> CombinedTable::lookup(std::string key) {
    Progress progress;
    progress.key = std::move(key);
    for (Dictionary* part : parts_) {
        if (progress.done) break;
        CO_TRY(auto value, co_await part->lookup(progress.key));
        take(progress, std::move(value));
    }
    co_return outcome(progress);
}

}  // namespace facteur::table
