#include "qmgr/qmgr.h"

#include <stdexcept>

#include <fmt/format.h>

namespace facteur::qmgr {

Qmgr::Qmgr(daemon::Process& process, const Settings& settings)
    : Service(process),
      address_(process.scope(), "private/address"),
      resolutions_(process.scope(),
                   [this](ipc::Resolve question) { return ask(std::move(question)); }),
      manager_(settings, process.workers(), process.scope(), files_,
               [this](ipc::Resolve question) { return resolutions_.resolve(std::move(question)); }),
      queue_(manager_, process.scope()),
      admin_(manager_),
      pickup_(manager_, process.scope()) {}

Task<Result<ipc::Resolution>> Qmgr::ask(ipc::Resolve question) {
    Result<ipc::Packet<ipc::Resolution>> answer = co_await address_.call(std::move(question));
    if (!answer) co_return std::unexpected(std::move(answer).error());
    co_return std::move(answer->message);
}

Task<void> Qmgr::start() {
    Result<void> opened = manager_.open();
    if (!opened) throw std::runtime_error("cannot open the queue: " + opened.error().text);
    manager_.start();
    pickup_.start();
    co_return;
}

Task<void> Qmgr::connection(Fd socket, const daemon::Listener& listener) {
    // Whoever may connect is decided by the folders private/ and public/; what he may do on
    // queue-admin by who he is.
    if (listener.service == "queue-admin") {
        co_await admin_.serve(process().sessions(), std::move(socket));
    } else {
        co_await queue_.serve(process().sessions(), std::move(socket));
    }
}

/// Jobs stay with their agents, who tell the next qmgr what became of them: nothing to wait for.
Task<void> Qmgr::drain() {
    co_await pickup_.stop();
    co_await manager_.stop();
}

std::string Qmgr::status() const {
    return fmt::format("active={} waiting={}", manager_.active_count(), manager_.waiting_count());
}

}  // namespace facteur::qmgr
