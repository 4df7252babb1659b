#pragma once

#include <memory>

#include "lib/daemon/acceptor.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/inherited.h"
#include "lib/daemon/nursery.h"
#include "lib/daemon/options.h"
#include "lib/daemon/settings.h"
#include "lib/event/loop.h"

namespace facteur::daemon {

/// One running daemon: the Process that its Service sees, the talk with master, and the way to
/// an orderly end.
class WorkerProcess final : public Process {
public:
    WorkerProcess(const Description& description, const Settings& settings, Options options,
                  Inherited inherited, std::unique_ptr<Nursery> nursery = nullptr);
    ~WorkerProcess() override;

    /// Before the sandbox; from now on signals are ours.
    void make_service();
    /// Inside the sandbox; returns the exit status.
    int run();

    const std::string& service() const override { return options_.service; }
    unsigned slot() const override { return options_.slot; }
    const Settings& settings() const override { return settings_; }
    Scope& scope() override { return scope_; }
    Scope& sessions() override { return sessions_; }
    WorkerPool& workers() override { return workers_; }
    bool draining() const override { return draining_; }
    Nursery* nursery() override { return nursery_.get(); }
    void fail(std::string reason) override;

    /// SIGTERM arrived: signal-safe.
    void signalled();

private:
    Task<void> live();
    Task<void> listen_to_master();
    Task<void> listen_to_signals();
    void obey(std::string_view word);
    void begin_end(bool at_once);
    Task<void> end();
    Task<void> give_up_late();
    void tell(const std::string& text);
    std::string numbers() const;

    const Description& description_;
    const Settings& settings_;
    Options options_;
    Inherited inherited_;
    std::unique_ptr<Nursery> nursery_;
    Loop loop_;
    Scope skeleton_;  ///< the talk with master
    Scope scope_;
    Scope sessions_;
    WorkerPool workers_;
    Fd signals_;  ///< eventfd
    std::unique_ptr<Service> service_;
    std::unique_ptr<Acceptor> acceptor_;
    int status_ = 0;
    bool draining_ = false;
    bool stopping_ = false;
};

}  // namespace facteur::daemon
