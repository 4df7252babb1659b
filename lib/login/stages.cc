#include "lib/login/stages.h"

#include <linux/capability.h>

#include "lib/base/log.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/nursery.h"
#include "lib/login/broker.h"
#include "lib/store/folder_cache.h"
#include "lib/store/store.h"

namespace facteur::login {

namespace {

/// Folders that stay open between sessions: the next log-in need not read their index.
constexpr std::size_t kKeptFolders = 32;

store::Options store_options(const Stages& stages) {
    store::Options options;
    options.hostname = stages.settings.myhostname();
    return options;
}

/// The process of an owner: it is that user already, so nothing here acts for anybody else.
std::unique_ptr<daemon::Service> make_mailbox(const Stages& stages, daemon::Process& process,
                                              const daemon::Birth& birth, Fd way) {
    store::Options options = store_options(stages);
    // The sandbox can only open what is there.
    if (!birth.folders.empty()) {
        auto made = store::make_folder_of("maildir:" + birth.folders.front(), options);
        if (!made) log_error(made.error().text);
    }
    store::set_folder_cache(kKeptFolders);
    store::set_compression(stages.mailbox.compression);
    return std::make_unique<MailboxService>(process, stages.protocol, std::move(options),
                                            stages.converse, std::move(way));
}

/// The capabilities stay only where master.cf says unpriv = n, for owners with uids of their own,
/// and only in the nursery.
daemon::Offspring offspring(const Stages& stages) {
    daemon::Offspring children;
    children.privileges.writable = {"$mail_home", "$mail_location", "$mail_directories"};
    children.privileges.capabilities = {CAP_SETUID, CAP_SETGID};
    children.make = [&stages](daemon::Process& process, const daemon::Birth& birth, Fd way) {
        return make_mailbox(stages, process, birth, std::move(way));
    };
    return children;
}

}  // namespace

int run(int argc, char** argv, const Stages& stages) {
    daemon::Description self;
    self.name = stages.name;
    self.sections = {&stages.settings};
    std::vector<std::string> words = daemon::arguments(argc, argv);
    if (!words.empty() && words.front() == "mailbox") {
        self.owner = daemon::Owner::store;
        self.offspring = offspring(stages);
        self.make = [&stages](daemon::Process& process) {
            return std::make_unique<Broker>(process, stages.protocol, stages.mailbox);
        };
    } else {
        self.owner = daemon::Owner::login;
        self.make = [&stages](daemon::Process& process) {
            return std::make_unique<LoginService>(process, stages.login, stages.protocol,
                                                  stages.log_in, stages.refusal);
        };
    }
    return daemon::run(argc, argv, self);
}

}  // namespace facteur::login
