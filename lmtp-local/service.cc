#include "lmtp-local/service.h"

#include <pwd.h>
#include <unistd.h>

#include "lib/daemon/daemon.h"
#include "lib/daemon/settings.h"
#include "lib/net/stream.h"
#include "lib/store/folder_cache.h"
#include "lmtp-local/lmtp_session.h"
#include "lmtp-local/quota_status.h"

namespace facteur::lmtp_local {
namespace {

/// The right to become others is only the broker's, and only when master.cf grants it.
Result<Broker> start_broker(const daemon::Process& process, bool is_privileged) {
    if (::geteuid() != 0) return Broker::start(std::nullopt);
    if (!is_privileged)
        return temporary("delivery as another user needs `n` as unpriv in master.cf", "4.3.5");
    const std::string name = daemon::owner_name(process.settings(), daemon::Owner::store);
    const passwd* entry = ::getpwnam(name.c_str());
    if (!entry) return temporary("no such user: " + name, "4.3.5");
    return Broker::start(Identity{entry->pw_uid, entry->pw_gid, 0});
}

}  // namespace

LmtpLocal::LmtpLocal(daemon::Process& process, const Settings& settings, bool is_privileged)
    : Service(process),
      settings_(settings),
      flusher_(settings.flush_delay(), static_cast<std::size_t>(settings.flush_messages()),
               [this](const std::vector<Flusher::Job>& jobs, const Result<void>& result) {
                   virtual_.flushed(jobs, result);
                   local_.flushed(jobs, result);
               }),
      hands_(process.scope(), start_broker(process, is_privileged),
             static_cast<std::size_t>(settings.process_limit())),
      deliverer_(process.scope(), process.workers(), settings, flusher_, hands_),
      virtual_(process.scope(), process.sessions(), Agent::Kind::virtual_users, deliverer_,
               flusher_, static_cast<std::uint32_t>(settings.jobs())),
      local_(process.scope(), process.sessions(), Agent::Kind::system_users, deliverer_, flusher_,
             static_cast<std::uint32_t>(settings.jobs())) {}

Task<void> LmtpLocal::start() {
    store::set_folder_cache(static_cast<std::size_t>(settings_.folder_cache()));
    flusher_.scope().spawn(flusher_.run());
    co_return;
}

Task<void> LmtpLocal::connection(Fd socket, const daemon::Listener& listener) {
    if (listener.service == "virtual") {
        co_await virtual_.serve(std::move(socket));
    } else if (listener.service == "local") {
        co_await local_.serve(std::move(socket));
    } else if (listener.service == "quota-status") {
        Stream stream(process().sessions(), std::move(socket));
        QuotaStatus session(stream, deliverer_, settings_);
        co_await session.run();
    } else {
        Stream stream(process().sessions(), std::move(socket));
        LmtpSession session(stream, deliverer_, settings_);
        co_await session.run();
    }
}

Task<void> LmtpLocal::drain() {
    co_await virtual_.drain();
    co_await local_.drain();
}

std::string LmtpLocal::status() const {
    return "deliveries=" + std::to_string(virtual_.running() + local_.running()) +
           " unsettled=" + std::to_string(virtual_.unsettled() + local_.unsettled()) +
           " unflushed=" + std::to_string(flusher_.waiting()) +
           " processes=" + std::to_string(hands_.running());
}

}  // namespace facteur::lmtp_local
