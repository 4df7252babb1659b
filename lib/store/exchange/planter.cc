#include "lib/store/exchange/planter.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <map>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/base/write_all.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/files.h"
#include "lib/store/maildir/message_file.h"
#include "lib/store/maildir/takeover.h"

namespace facteur::store::exchange {
namespace {

constexpr std::size_t kLetters = 26;

/// "1700000000.I5P12.host,S=10,W=10:2,S": the UID behind ".I"; 0 when it is none of ours.
std::uint32_t uid_of(std::string_view name) {
    const std::size_t mark = name.find(".I");
    if (mark == std::string_view::npos) return 0;
    std::string_view digits = name.substr(mark + 2);
    digits = digits.substr(0, digits.find('P'));
    auto uid = parse_number(digits);
    return uid && *uid < 0xffffffff ? static_cast<std::uint32_t>(*uid) : 0;
}

std::vector<std::string> names_in(const std::string& dir) {
    std::vector<std::string> out;
    std::error_code failure;
    std::filesystem::directory_iterator entry(dir, failure);
    for (; entry != std::filesystem::directory_iterator(); entry.increment(failure))
        out.push_back(entry->path().filename());
    return out;
}

}  // namespace

Planter::Planter(std::string root, std::string dir, std::uint32_t uid_validity)
    : root_(std::move(root)), dir_(std::move(dir)), uid_validity_(uid_validity) {
    const std::string folder = dir_ == root_ ? ".INBOX" : dir_.substr(root_.size() + 1);
    // Two dots: no program takes it for a folder.
    staging_ = root_ + "/..facteur-import" + folder;
}

bool Planter::is_free(const std::string& root, const std::string& dir) {
    if (dir != root) return !maildir::is_directory(dir);
    return names_in(root + "/cur").empty() && names_in(root + "/new").empty();
}

Result<Planter> Planter::begin(const std::string& root, const std::string& dir,
                               std::uint32_t uid_validity, const std::string& hostname) {
    Planter planter(root, dir, uid_validity);
    planter.hostname_ = hostname;
    TRY_VOID(planter.load());
    return planter;
}

/// What an earlier attempt brought, if it was from the same UIDs.
Result<void> Planter::load() {
    const std::string marker = staging_ + "/uidvalidity";
    const std::string value = std::to_string(uid_validity_) + "\n";
    if (maildir::is_directory(staging_) && maildir::read_file(marker, 64) != value) {
        std::error_code failure;
        std::filesystem::remove_all(staging_, failure);
    }
    for (const char* sub : {"/cur", "/new", "/tmp"}) {
        TRY_VOID(maildir::make_directories(staging_ + sub, 0700));
    }
    TRY_VOID(maildir::replace_file(marker, value, 0600));
    for (const std::string& name : names_in(staging_ + "/cur"))
        if (std::uint32_t uid = uid_of(name)) uids_.insert(uid);
    TRY(std::string text, maildir::read_optional(staging_ + "/dovecot-keywords"));
    maildir::Legacy legacy;
    maildir::parse_dovecot_keywords(text, legacy);
    keywords_ = std::move(legacy.keywords);
    return {};
}

/// Letters are given in the order in which keywords come; the 27th and further are not kept.
std::uint64_t Planter::keyword_bits(const std::vector<std::string>& names) {
    std::uint64_t bits = 0;
    for (const std::string& name : names) {
        auto same = [&name](const std::string& other) { return iequals(name, other); };
        auto at = std::find_if(keywords_.begin(), keywords_.end(), same);
        if (at == keywords_.end()) {
            if (keywords_.size() >= kLetters) continue;
            at = keywords_.insert(keywords_.end(), name);
        }
        bits |= std::uint64_t{1} << (at - keywords_.begin());
    }
    return bits;
}

Result<void> Planter::add(const SourceMessage& message) {
    const std::size_t known = keywords_.size();
    const std::uint64_t bits = keyword_bits(message.keywords);
    if (keywords_.size() != known) {
        TRY_VOID(maildir::replace_file(staging_ + "/dovecot-keywords",
                                       maildir::format_dovecot_keywords(keywords_), 0600));
    }
    const std::string size = std::to_string(message.bytes.size());
    const std::int64_t date = message.internal_date.value_or(std::time(nullptr));
    const std::string name = std::to_string(std::time(nullptr)) + ".I" +
                             std::to_string(message.uid) + "P" + std::to_string(::getpid()) + "." +
                             hostname_ + ",S=" + size + ",W=" + size +
                             maildir::info_suffix(message.flags, bits, {});
    const std::string fresh = staging_ + "/tmp/" + name;
    Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd) return system_error("create " + fresh);
    const timespec times[2] = {{0, UTIME_OMIT}, {date, 0}};
    if (!write_all(fd.get(), message.bytes) || ::futimens(fd.get(), times) != 0 ||
        ::fdatasync(fd.get()) != 0)
        return system_error("write " + fresh);
    if (::rename(fresh.c_str(), (staging_ + "/cur/" + name).c_str()) != 0)
        return system_error("rename " + fresh);
    uids_.insert(message.uid);
    return {};
}

/// Our index is made from this list, as if Dovecot had kept the folder.
Result<void> Planter::finish(std::uint32_t uid_next) {
    std::map<std::uint32_t, std::string> files;
    for (const std::string& name : names_in(staging_ + "/cur"))
        if (std::uint32_t uid = uid_of(name)) files[uid] = name.substr(0, name.find(':'));
    if (!files.empty()) uid_next = std::max(uid_next, files.rbegin()->first + 1);
    std::string text =
        "3 V" + std::to_string(uid_validity_) + " N" + std::to_string(uid_next) + "\n";
    for (const auto& [uid, name] : files)
        text += std::to_string(uid) + " :" + name + "\n";
    TRY_VOID(maildir::replace_file(staging_ + "/dovecot-uidlist", text, 0600));
    TRY_VOID(maildir::flush_directory(staging_, "cur"));
    ::unlink((staging_ + "/uidvalidity").c_str());
    if (dir_ == root_) return move_into_inbox();
    Fd marker(::open((staging_ + "/maildirfolder").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!marker) return system_error("create " + staging_ + "/maildirfolder");
    if (::rename(staging_.c_str(), dir_.c_str()) != 0) return system_error("rename to " + dir_);
    return {};
}

namespace {

/// "UIDVALIDITY WHERE" names a mailbox of a source.
std::string import_key(const SourceMailbox& from) {
    return std::to_string(from.uid_validity) + " " + printable(from.where, 4096);
}

}  // namespace

std::uint32_t imported_below(const std::string& dir, const SourceMailbox& from) {
    const std::string text = maildir::read_file(dir + "/facteur.imported", 1 << 20);
    for (std::string_view line : split(text, '\n')) {
        auto uid = parse_number(take_word(line));
        if (uid && line == import_key(from)) return static_cast<std::uint32_t>(*uid);
    }
    return 0;
}

Result<void> note_imported(const std::string& dir, const SourceMailbox& from,
                           std::uint32_t uid_next) {
    const std::string path = dir + "/facteur.imported";
    const std::string key = import_key(from);
    std::string text = std::to_string(uid_next) + " " + key + "\n";
    const std::string old = maildir::read_file(path, 1 << 20);
    for (std::string_view line : split(old, '\n')) {
        std::string_view rest = line;
        take_word(rest);
        if (!line.empty() && rest != key) text += std::string(line) + "\n";
    }
    return maildir::replace_file(path, text, 0600);
}

/// An index that knows no message gives way to the list.
Result<void> Planter::move_into_inbox() {
    for (const char* sub : {"/cur", "/new", "/tmp"}) {
        TRY_VOID(maildir::make_directories(root_ + sub, 0700));
    }
    for (const std::string& name : names_in(root_)) {
        const bool index =
            name == "facteur.index" || name == "facteur.uids" || name.starts_with("facteur.cache.");
        if (index && ::unlink((root_ + "/" + name).c_str()) != 0)
            return system_error("remove " + name);
    }
    for (const char* file : {"/dovecot-uidlist", "/dovecot-keywords"}) {
        const std::string from = staging_ + file;
        if (::rename(from.c_str(), (root_ + file).c_str()) != 0 && errno != ENOENT)
            return system_error("rename " + from);
    }
    for (const std::string& name : names_in(staging_ + "/cur")) {
        if (::rename((staging_ + "/cur/" + name).c_str(), (root_ + "/cur/" + name).c_str()) != 0)
            return system_error("rename " + name);
    }
    TRY_VOID(maildir::flush_directory(root_, "cur"));
    std::error_code failure;
    std::filesystem::remove_all(staging_, failure);
    return {};
}

}  // namespace facteur::store::exchange
