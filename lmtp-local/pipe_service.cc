#include "lmtp-local/pipe_service.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/settings.h"

namespace facteur::lmtp_local {
namespace {

using daemon::Owner;

Result<Identity> identity_named(const std::string& user, const std::string& group) {
    const passwd* entry = ::getpwnam(user.c_str());
    if (!entry) return temporary("user=: unknown username: " + printable(user), "4.3.5");
    Identity who{entry->pw_uid, entry->pw_gid, 0};
    if (group.empty()) return who;
    const struct group* found = ::getgrnam(group.c_str());
    if (!found) return temporary("user=: unknown group: " + printable(group), "4.3.5");
    who.gid = found->gr_gid;
    return who;
}

Result<Broker> start_pipe_broker(const daemon::Process& process, const PipeOptions& options,
                                 bool is_privileged) {
    if (::geteuid() != 0) return Broker::start(std::nullopt, options.chroot);
    if (!is_privileged)
        return temporary("a command as another user needs `n` as unpriv in master.cf", "4.3.5");
    const std::string name = daemon::owner_name(process.settings(), Owner::store);
    const passwd* entry = ::getpwnam(name.c_str());
    if (!entry) return temporary("no such user: " + name, "4.3.5");
    return Broker::start(Identity{entry->pw_uid, entry->pw_gid, 0}, options.chroot);
}

/// Who is not root can be nobody else.
Result<Identity> who_runs(const PipeOptions& options, const daemon::Settings& settings) {
    Result<Identity> who = pipe_identity(options, settings);
    if (who && ::geteuid() != 0 && who->uid != ::geteuid())
        who = temporary("user=" + options.user + ": only root can run a command as another user",
                        "4.3.5");
    if (!who) log_warning(who.error().text);
    return who;
}

}  // namespace

Result<Identity> pipe_identity(const PipeOptions& options, const daemon::Settings& settings) {
    TRY(Identity who, identity_named(options.user, options.group));
    if (who.uid == 0) return permanent("user= command-line attribute specifies root privileges");
    if (who.gid == 0)
        return permanent("user= command-line attribute specifies privileged group id 0");
    const struct group* shared = ::getgrnam(settings.private_group().c_str());
    if (shared && shared->gr_gid == who.gid)
        return permanent("user= command-line attribute specifies mail system group " +
                         settings.private_group());
    if (::geteuid() != 0) return who;  // one user runs everything
    for (Owner owner : {Owner::smtp, Owner::queue, Owner::store, Owner::login, Owner::lookup,
                        Owner::auth, Owner::policy}) {
        const std::string name = daemon::owner_name(settings, owner);
        const passwd* entry = ::getpwnam(name.c_str());
        if (entry && (entry->pw_uid == who.uid || entry->pw_gid == who.gid))
            return permanent("user= command-line attribute specifies mail system owner " + name);
    }
    return who;
}

std::vector<conf::Problem> review_pipe(const Result<PipeOptions>& options,
                                       const conf::MainCf& main_cf) {
    std::vector<conf::Problem> problems;
    auto add = [&problems](conf::Problem::Level level, const std::string& text) {
        conf::Problem problem;
        problem.level = level;
        problem.file = "master.cf";
        problem.text = "pipe: " + text;
        problems.push_back(std::move(problem));
    };
    if (!options) {
        add(conf::Problem::Level::error, options.error().text);
        return problems;
    }
    for (const std::string& text : options->warnings)
        add(conf::Problem::Level::warning, text);
    daemon::Settings settings;
    conf::load(settings, main_cf);
    Result<Identity> who = pipe_identity(*options, settings);
    // Postfix is shipped with lines for programs that are not there, and whose users are not.
    using Level = conf::Problem::Level;
    if (!who) add(who.error().is_temporary() ? Level::warning : Level::error, who.error().text);
    return problems;
}

PipeService::PipeService(daemon::Process& process, const Settings& settings, PipeOptions options,
                         bool is_privileged)
    : Service(process),
      options_(std::move(options)),
      hands_(process.scope(), start_pipe_broker(process, options_, is_privileged),
             static_cast<std::size_t>(settings.process_limit())),
      agent_(process.scope(), process.sessions(), process.service(), settings, options_,
             process.workers(), hands_, who_runs(options_, process.settings())) {}

Task<void> PipeService::connection(Fd socket, const daemon::Listener&) {
    return agent_.serve(std::move(socket));
}

Task<void> PipeService::drain() {
    return agent_.drain();
}

std::string PipeService::status() const {
    return "deliveries=" + std::to_string(agent_.running()) +
           " unsettled=" + std::to_string(agent_.unsettled()) +
           " processes=" + std::to_string(hands_.running());
}

}  // namespace facteur::lmtp_local
