#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "lib/daemon/service.h"
#include "lib/ipc/client.h"
#include "lib/ipc/server.h"
#include "policyd/check.h"
#include "policyd/cleaning.h"
#include "policyd/delegation.h"
#include "policyd/memory.h"
#include "policyd/rates.h"
#include "policyd/screened.h"
#include "policyd/tls_reports.h"
#include "policyd/verified.h"

namespace facteur::policyd {

/// The service: asks its checks, in order.
class Policyd : public daemon::Service {
public:
    Policyd(daemon::Process& process, const Settings& settings);
    Task<void> start() override;
    Task<void> connection(Fd socket, const daemon::Listener& listener) override;
    Task<void> drain() override;
    std::string status() const override;

private:
    using Reply = Task<Result<ipc::Packet<ipc::PolicyReply>>>;
    Task<Result<ipc::Packet<ipc::PolicyInterestsReply>>> interests();
    Reply ask(ipc::Ask question, std::int32_t process);
    Reply judge(ipc::Packet<ipc::Judge> question);
    void answer_memory();
    void answer_tls_reports();
    static Task<Result<ipc::Packet<ipc::Nothing>>> nothing();
    Task<Result<ipc::Packet<ipc::TlsUploadReply>>> upload();
    Task<Result<ipc::Packet<ipc::Nothing>>> uploaded(ipc::TlsUploaded told);
    Task<Result<ipc::Packet<ipc::Nothing>>> remember(ipc::Remember wish);
    Task<Result<ipc::Packet<ipc::Nothing>>> forget(ipc::Forget wish);
    Task<Result<ipc::Packet<ipc::RecallReply>>> recall(ipc::Recall wish);
    Task<Result<ipc::Packet<ipc::DelegateReply>>> delegate(ipc::Delegate question);
    Task<Result<ipc::Packet<ipc::SessionsReply>>> sessions(ipc::Sessions told,
                                                           std::int32_t process);

    Task<Result<ipc::Packet<ipc::Cleaned>>> clean(ipc::Packet<ipc::Clean> question);
    Task<Result<Verdict>> probe(std::string sender, std::string recipient);
    Task<Result<ipc::Packet<ipc::VerifyReply>>> verify(ipc::Verify question);
    Task<Result<ipc::Packet<ipc::ScreenRecord>>> screened(ipc::ScreenQuestion question);
    Task<Result<ipc::Packet<ipc::ScreenRecord>>> screened(ipc::ScreenRecord record);

    const Settings& settings_;
    std::unique_ptr<dns::Resolver> resolver_;
    Delegation delegation_;
    Cleaning cleaning_;
    Memory memory_;
    std::vector<std::unique_ptr<Check>> checks_;
    Census* census_ = nullptr;                 ///< of the first check
    std::map<std::int32_t, int> connections_;  ///< to each process
    std::uint64_t generation_;
    Screened screened_;
    ipc::Client qmgr_;
    Verified verified_;
    TlsReports tls_reports_;
    ipc::Server server_;
    std::uint64_t asked_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace facteur::policyd
