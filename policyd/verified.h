#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/time.h"
#include "lib/event/scope.h"
#include "lib/event/signal.h"
#include "lib/event/timers.h"
#include "lib/ipc/ways/policy.h"
#include "policyd/durable_map.h"
#include "policyd/settings.h"

namespace facteur::policyd {

/// What is known of one address, in the form in which Postfix's verify(8) keeps it:
/// "status:probed:updated:text".
struct Verdict {
    ipc::Deliverable status = ipc::Deliverable::unknown;
    std::int64_t probed = 0;   ///< seconds since the epoch: a probe is under way since; 0: none
    std::int64_t updated = 0;  ///< when the status was learnt
    std::string text;
};
std::string verdict_text(const Verdict& verdict);
/// Nothing: that is no such text.
std::optional<Verdict> parse_verdict(std::string_view text);

/// Whether addresses are deliverable: the cache of address_verify_map, and the probes that fill it.
class Verified {
public:
    /// Finds out; a temporary Error: nobody could say.
    using Prober = std::function<Task<Result<Verdict>>(std::string sender, std::string recipient)>;
    Verified(Scope& scope, const Settings& settings, Prober prober);

    /// Without a map every answer is forgotten when the process ends.
    void open(const std::string& map_name);
    /// What is known by then; a probe goes on when nothing is.
    Task<Verdict> find(std::string address, TimePoint deadline);
    /// Forgets now and then what is too old to count.
    Task<void> clean(Scope& scope, Seconds interval);
    Task<std::pair<std::size_t, std::size_t>> clean_once();
    /// The probes' sender: address_verify_sender, changing with time if it must.
    std::string sender() const;

private:
    struct Pending {
        Signal done;
        bool is_done = false;
        Verdict verdict;
    };
    Verdict known(const std::string& address, std::int64_t now);
    bool is_expired(const Verdict& verdict, std::int64_t now) const;
    bool needs_refresh(const Verdict& verdict, std::int64_t now) const;
    std::shared_ptr<Pending> probe(const std::string& address);
    Task<void> run_probe(std::string address, std::shared_ptr<Pending> pending);
    void learn(const std::string& address, Verdict verdict);

    Scope& scope_;
    const Settings& settings_;
    Prober prober_;
    std::unique_ptr<DurableMap> map_;
    /// Shared by the probe and those who wait for it: whoever ends last frees it.
    std::map<std::string, std::shared_ptr<Pending>> pending_;
};

}  // namespace facteur::policyd
