#include "authd/directory.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "authd/user_name.h"
#include "lib/base/text.h"

namespace facteur::authd {
namespace {

constexpr std::string_view kUserFile = "passwd-file:";
constexpr std::string_view kUserdbPrefix = "userdb_";
constexpr std::size_t kNssThreads = 4;
constexpr std::size_t kNssBuffer = 65536;

/// A number, or the name of a group of this system.
std::optional<std::uint32_t> group_number(const std::string& text) {
    if (const auto number = parse_number(text)) return static_cast<std::uint32_t>(*number);
    const group* found = ::getgrnam(text.c_str());
    return found ? std::optional(found->gr_gid) : std::nullopt;
}

std::optional<std::uint32_t> number_in(std::string_view text) {
    const auto number = parse_number(text);
    if (!number || *number > 0xfffffffe) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

std::string_view override_of(const sasl::PasswdEntry& entry, std::string_view field,
                             std::string_view own) {
    return entry.field(field).value_or(own);
}

}  // namespace

Result<std::unique_ptr<Directory>> Directory::create(const Settings& settings,
                                                     const std::string& store_owner,
                                                     const Verifier& verifier) {
    std::unique_ptr<Directory> directory(new Directory(settings));
    TRY_VOID(directory->add_userdbs(verifier));
    TRY_VOID(directory->set_default_owner(store_owner));
    return directory;
}

void Directory::start_threads() {
    threads_ = std::make_unique<WorkerPool>(kNssThreads);
}

Result<void> Directory::add_userdbs(const Verifier& verifier) {
    auto file_at = [&](std::string_view path) {
        for (const auto& file : verifier.files())
            if (file->path() == path) return file;
        return std::make_shared<PasswdDatabase>(std::string(path));
    };
    const bool implied = settings_.userdb().empty();
    for (std::string_view entry : implied ? settings_.passdb() : settings_.userdb()) {
        Userdb userdb;
        if (entry.starts_with(kUserFile)) {
            userdb.file = file_at(entry.substr(kUserFile.size()));
        } else if (entry != "passwd" && !(implied && entry.starts_with("pam:"))) {
            return permanent(fmt::format("auth_userdb: {} is neither passwd-file:/path nor passwd",
                                         printable(entry)));
        }
        userdbs_.push_back(std::move(userdb));
    }
    return {};
}

Result<void> Directory::set_default_owner(const std::string& store_owner) {
    std::string owner = settings_.mail_uid();
    if (owner.empty() && ::geteuid() != 0) {
        mail_uid_ = ::geteuid();
        mail_gid_ = ::getegid();
        return {};
    }
    if (owner.empty()) owner = store_owner;
    if (const auto number = number_in(owner)) {
        mail_uid_ = mail_gid_ = *number;
    } else {
        TRY(auto found, look_up_system_user(owner));
        if (!found) return permanent("mail_uid: no such user: " + owner);
        mail_uid_ = found->uid;
        mail_gid_ = found->gid;
    }
    if (settings_.mail_gid().empty()) return {};
    const auto gid = group_number(settings_.mail_gid());
    if (!gid) return permanent("mail_gid: no such group: " + settings_.mail_gid());
    mail_gid_ = *gid;
    return {};
}

Result<std::optional<Directory::SystemUser>> Directory::look_up_system_user(
    const std::string& name) {
    std::string buffer(kNssBuffer, '\0');
    passwd entry{};
    passwd* found = nullptr;
    const int code = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    // Several NSS modules say these where they mean "no such user" (getpwnam_r(3), ERRORS).
    const bool absent = code == 0 || code == ENOENT || code == ESRCH;
    if (!found && !absent) return temporary(fmt::format("passwd lookup of {} failed", name));
    if (!found) return std::nullopt;
    return SystemUser{found->pw_uid, found->pw_gid, found->pw_dir};
}

Task<Result<ipc::UserReply>> Directory::find(std::string user) {
    ipc::UserReply nobody;
    if (!is_safe_user(user)) co_return nobody;
    for (const Userdb& userdb : userdbs_) {
        if (userdb.file) {
            auto entry = userdb.file->find(user);
            if (!entry) co_return std::unexpected(entry.error());
            if (*entry) co_return from_entry(**entry);
        } else {
            std::function<Result<std::optional<SystemUser>>()> work = [&user] {
                return look_up_system_user(user);
            };
            auto found = co_await threads_->run<Result<std::optional<SystemUser>>>(std::move(work));
            if (!found) co_return std::unexpected(found.error());
            if (*found) co_return from_system(std::move(user), **found);
        }
    }
    co_return nobody;
}

Result<ipc::UserReply> Directory::from_entry(const sasl::PasswdEntry& entry) const {
    ipc::UserReply reply;
    reply.user = entry.user;
    const auto uid = override_of(entry, "userdb_uid", entry.uid);
    const auto gid = override_of(entry, "userdb_gid", entry.gid);
    const auto own_uid = uid.empty() ? mail_uid_ : number_in(uid);
    const auto own_gid = gid.empty() ? mail_gid_ : number_in(gid);
    if (!own_uid || !own_gid) {
        return temporary(fmt::format("passwd-file: user {}: uid and gid must be numbers",
                                     printable(entry.user)));
    }
    reply.uid = *own_uid;
    reply.gid = *own_gid;
    reply.home = override_of(entry, "userdb_home", entry.home);
    reply.mail = override_of(entry, "userdb_mail", "");
    for (const auto& [name, value] : entry.extra) {
        if (!name.starts_with(kUserdbPrefix)) continue;
        const auto field = name.substr(kUserdbPrefix.size());
        if (field == "uid" || field == "gid" || field == "home" || field == "mail") continue;
        reply.extra.push_back(value.empty() ? field : field + "=" + value);
    }
    complete(reply);
    return reply;
}

ipc::UserReply Directory::from_system(std::string user, const SystemUser& found) const {
    ipc::UserReply reply;
    reply.user = std::move(user);
    reply.uid = found.uid;
    reply.gid = found.gid;
    reply.home = found.home;
    complete(reply);
    return reply;
}

/// Fills what the database leaves open, and expands.
void Directory::complete(ipc::UserReply& reply) const {
    reply.found = true;
    if (reply.home.empty()) reply.home = settings_.mail_home();
    reply.home = expand(reply.home, Variables{reply.user, "", ""});
    if (reply.mail.empty()) reply.mail = settings_.mail_location();
    reply.mail = expand(reply.mail, Variables{reply.user, reply.home, ""});
    reply.mail = replace_all(std::move(reply.mail), ":~", ":" + reply.home);
    reply.mail = replace_all(std::move(reply.mail), "=~", "=" + reply.home);  // :INDEX=~/x
}

}  // namespace facteur::authd
