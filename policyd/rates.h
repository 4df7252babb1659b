#pragma once

#include <functional>
#include <string>

#include "lib/base/result.h"
#include "policyd/check.h"
#include "policyd/counters.h"
#include "policyd/settings.h"

namespace facteur::policyd {

/// Limits how much one client or one login may do per time.
class Rates : public Check {
public:
    /// Whether smtpd_client_event_limit_exceptions holds this client.
    using Exempt = std::function<Task<Result<bool>>(std::string name, std::string ip)>;

    Rates(const Settings& settings, Exempt exempt);
    ipc::PolicyInterestsReply interests() const override;
    Task<std::optional<ipc::PolicyReply>> ask(const ipc::Ask& question) override;
    Task<std::optional<ipc::PolicyReply>> judge(const ipc::Judge& question,
                                                const Fd& content) override;
    std::size_t size() const { return counters_.size(); }

private:
    struct Limit;
    static const Limit kLimits[];
    static const Limit* limit_of(ipc::PolicyMoment moment);
    Task<bool> is_exempt(const ipc::Ask& question);
    std::optional<ipc::PolicyReply> count_client(const Limit& limit, const ipc::Ask& question);
    std::optional<ipc::PolicyReply> count_login(const Limit& limit, const ipc::Ask& question);

    const Settings& settings_;
    Exempt exempt_;
    Counters counters_;
};

/// Address and prefix as a key: "192.0.2.1", "2001:db8::/64".
std::string client_key(const std::string& ip, int ipv6_prefix);

}  // namespace facteur::policyd
