#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "authd/database.h"
#include "authd/settings.h"
#include "authd/verifier.h"
#include "lib/event/worker.h"
#include "lib/ipc/ways/auth.h"

namespace facteur::authd {

/// Who exists, whose uid, where the mail is: the userdbs in their order.
class Directory {
public:
    /// Error: a wrong auth_userdb, or a mail_uid that is no user.
    static Result<std::unique_ptr<Directory>> create(const Settings& settings,
                                                     const std::string& store_owner,
                                                     const Verifier& verifier);
    void start_threads();

    /// `user` in normal form.  An Error: could not look.
    Task<Result<ipc::UserReply>> find(std::string user);

private:
    struct SystemUser {
        std::uint32_t uid = 0;
        std::uint32_t gid = 0;
        std::string home;
    };
    struct Userdb {
        std::shared_ptr<PasswdDatabase> file;  ///< null: the system's users
    };
    explicit Directory(const Settings& settings) : settings_(settings) {}

    Result<void> add_userdbs(const Verifier& verifier);
    Result<void> set_default_owner(const std::string& store_owner);
    static Result<std::optional<SystemUser>> look_up_system_user(const std::string& name);
    Result<ipc::UserReply> from_entry(const sasl::PasswdEntry& entry) const;
    ipc::UserReply from_system(std::string user, const SystemUser& found) const;
    void complete(ipc::UserReply& reply) const;

    const Settings& settings_;
    std::vector<Userdb> userdbs_;
    std::unique_ptr<WorkerPool> threads_;  ///< NSS may ask LDAP
    std::uint32_t mail_uid_ = 0;
    std::uint32_t mail_gid_ = 0;
};

}  // namespace facteur::authd
