#pragma once

#include <map>
#include <memory>
#include <string>

#include "lib/event/timers.h"
#include "lib/event/worker.h"
#include "lib/ipc/client.h"
#include "lib/ipc/ways/auth.h"
#include "lmtp-local/letterbox.h"
#include "lmtp-local/settings.h"

namespace facteur::lmtp_local {

/// Somebody with a mailbox here.
struct User {
    std::string name;
    std::string home;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::unique_ptr<Letterbox> box;
};

/// Users by name, as authd knows them; remembered for a few seconds.
class Users {
public:
    /// hands: deliver into the mailboxes of those who this process is not.
    Users(Scope& scope, WorkerPool& workers, Hands& hands, const Settings& settings);

    /// Shared by the cache and the deliveries that use it.  nullptr: there is no such user; an
    /// Error: it could not be found out.
    Task<Result<std::shared_ptr<User>>> find(std::string name);
    /// Somebody whom authd does not know, with a Maildir at this place.
    Task<Result<std::shared_ptr<User>>> at(std::uint32_t uid, std::uint32_t gid, std::string path);

private:
    void keep(const std::string& name, const std::shared_ptr<User>& user);
    struct Known {
        std::shared_ptr<User> user;
        TimePoint until;
    };
    Task<Result<std::unique_ptr<Letterbox>>> open_box(const User& user,
                                                      const ipc::UserReply& reply);

    ipc::Client authd_;
    WorkerPool& workers_;
    Hands& hands_;
    const Settings& settings_;
    std::map<std::string, Known> known_;
};

}  // namespace facteur::lmtp_local
