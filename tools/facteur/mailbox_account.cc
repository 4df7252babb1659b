#include "tools/facteur/mailbox_account.h"

#include <filesystem>

#include <grp.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/config/common.h"
#include "lib/config/load.h"
#include "lib/ipc/client.h"
#include "lib/ipc/ways/auth.h"
#include "lib/store/settings.h"
#include "tools/facteur/instance.h"

namespace facteur::tool {
namespace {

constexpr Seconds kPatience{30};

struct MailSettings : conf::Common {
    store::Settings store{*this};
};

Task<Result<ipc::UserReply>> ask_authd(ipc::Client& authd, std::string user) {
    ipc::UserLookup question;
    question.user = std::move(user);
    question.service = "doveadm";
    CO_TRY(auto answer, co_await authd.call(std::move(question)));
    co_return std::move(answer.message);
}

/// Files that the tool makes must be the user's.
Result<void> become(std::uint32_t uid, std::uint32_t gid) {
    if (::geteuid() != 0) return {};
    if (uid == 0) return permanent("root has no mailboxes");
    const gid_t group = gid;
    if (::setgroups(1, &group) != 0 || ::setresgid(gid, gid, gid) != 0 ||
        ::setresuid(uid, uid, uid) != 0)
        return system_error("become the user");
    return {};
}

}  // namespace

std::string absolute_path(const std::string& path) {
    std::error_code failure;
    return std::filesystem::absolute(path, failure).lexically_normal();
}

Account::Account() = default;
Account::~Account() = default;

Result<std::unique_ptr<Account>> Account::open(const std::string& directory,
                                               const std::string& user) {
    std::unique_ptr<Account> account(new Account());
    TRY_VOID(account->find(directory, user));
    TRY(account->root_, store::folder_of(account->location_));
    TRY(account->store_,
        account->wait(store::open_store(account->location_, account->options_, account->workers_)));
    return account;
}

Result<void> Account::find(const std::string& directory, const std::string& user) {
    TRY(auto instance, Instance::open(directory));
    MailSettings settings;
    for (const conf::Problem& problem : conf::load(settings, instance.main_cf))
        if (problem.level == conf::Problem::Level::error)
            return permanent(problem.where_and_what());
    // Sockets have short names; everything below is relative to the queue directory.
    const std::string queue = instance.settings->queue_directory();
    if (::chdir(queue.c_str()) != 0) return system_error(queue);
    if (!ipc::connect_unix("private/auth")) return temporary("the mail system is not running");
    ipc::Client authd(scope_, "private/auth", kPatience);
    TRY(ipc::UserReply found, wait(ask_authd(authd, to_lower(user))));
    if (!found.found) return permanent("no such user: " + printable(user));
    options_.hostname = settings.myhostname();
    options_.user = found.user;
    options_.home = found.home;
    options_.settings = settings.store.with(found.extra);
    location_ = found.mail;
    return become(found.uid, found.gid);
}

}  // namespace facteur::tool
