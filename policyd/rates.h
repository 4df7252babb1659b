#pragma once

#include <string>

#include "lib/base/result.h"
#include "policyd/census.h"
#include "policyd/check.h"
#include "policyd/counters.h"
#include "policyd/settings.h"

namespace facteur::policyd {

/// Limits how much one client or one login may do per time.
class Rates : public Check {
public:
    explicit Rates(const Settings& settings);
    ipc::PolicyInterestsReply interests() const override;
    Task<std::optional<ipc::PolicyReply>> ask(const ipc::Ask& question,
                                              std::int32_t process) override;
    Task<std::optional<ipc::PolicyReply>> judge(const ipc::Judge& question,
                                                const Fd& content) override;
    std::size_t size() const { return counters_.size(); }
    Census& census() { return census_; }

private:
    struct Limit;
    static const Limit kLimits[];
    static const Limit* limit_of(ipc::PolicyMoment moment);
    std::optional<ipc::PolicyReply> count_connections(const ipc::Ask& question,
                                                      std::int32_t process);
    std::optional<ipc::PolicyReply> count_client(const Limit& limit, const ipc::Ask& question);
    std::optional<ipc::PolicyReply> count_login(const Limit& limit, const ipc::Ask& question);

    const Settings& settings_;
    Counters counters_;
    Census census_;
};

}  // namespace facteur::policyd
