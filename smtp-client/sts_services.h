#pragma once

#include <map>
#include <string>

#include "lib/event/worker.h"
#include "lib/ipc/client.h"
#include "smtp-client/sts.h"
#include "smtp-client/targets.h"
#include "smtp-client/tls_reporter.h"
#include "smtp-client/tls_settings.h"

namespace facteur::smtp_client {

/// The memory that policyd keeps.
class PolicydMemory : public StsMemory {
public:
    explicit PolicydMemory(ipc::Client& policyd) : policyd_(policyd) {}
    Task<Result<std::map<std::string, std::string>>> recall() override;
    Task<void> remember(std::string domain, std::string value) override;
    Task<void> forget(std::string domain) override;

private:
    ipc::Client& policyd_;
};

/// Fetches policies over HTTPS: addresses from our resolver, the rest by libcurl on a worker
/// thread.
StsPolicies::Fetch https_fetch(const Routing& routing, Scope& scope, WorkerPool& workers,
                               const SharedTlsSettings& settings, std::string ca_pem);

/// Posts reports likewise.
TlsReporter::Post https_post(const Routing& routing, Scope& scope, WorkerPool& workers,
                             const SharedTlsSettings& settings, std::string ca_pem);

StsPolicies::Limits sts_limits(const SharedTlsSettings& settings);

}  // namespace facteur::smtp_client
