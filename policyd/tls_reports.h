#pragma once

#include <map>
#include <set>
#include <string>

#include "lib/event/scope.h"
#include "lib/event/task.h"
#include "lib/ipc/client.h"
#include "policyd/memory.h"
#include "policyd/settings.h"
#include "policyd/tls_report.h"

namespace facteur::policyd {

/// Counts TLS sessions by day and domain, keeps the counts, and sends each day's reports when the
/// day is over (RFC 8460): by mail itself, by HTTPS through smtp-client.
class TlsReports {
public:
    TlsReports(Scope& scope, Memory& memory, ipc::Client& queue, const Settings& settings);
    /// Reads what was kept, then goes on by itself.
    void start();

    void count(const ipc::TlsResult& result);
    /// Mails what is due at this time (seconds since 1970).
    Task<void> send_due(std::int64_t now);
    /// A report that is to be posted; it is not offered again before uploaded(), or for a while.
    Task<Result<ipc::TlsUploadReply>> upload(std::int64_t now);
    Task<void> uploaded(ipc::TlsUploaded told, std::int64_t now);
    /// Puts on disk what has changed.
    Task<void> flush();
    std::size_t size() const { return reports_.size(); }

private:
    Task<void> run();
    Task<void> load();
    Task<Result<void>> mail(const TlsReport& report, std::string id);
    Task<void> drop(std::string key);
    std::int64_t due(const TlsReport& report) const;
    Reporter reporter() const;

    Memory& memory_;
    ipc::Client& queue_;
    const Settings& settings_;
    std::map<std::string, TlsReport> reports_;        ///< by key_of()
    std::map<std::string, std::int64_t> not_before_;  ///< keys that were offered for upload
    std::set<std::string> changed_;
    Scope running_;
};

}  // namespace facteur::policyd
