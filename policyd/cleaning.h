#pragma once

#include <string>

#include "lib/cleanup/letter.h"
#include "lib/ipc/client.h"
#include "lib/ipc/ways/policy.h"
#include "lib/net/dns/resolver.h"
#include "policyd/settings.h"

namespace facteur::policyd {

/// What happens to mail that did not come over SMTP before it is queued: the content checks,
/// missing fields, non_smtpd_milters.
class Cleaning {
public:
    Cleaning(Scope& scope, dns::Resolver& resolver, const Settings& settings);
    /// Changes the content in place.  The Error: not now.
    Task<Result<ipc::Cleaned>> clean(ipc::Clean question, const Fd& content);

private:
    /// One message and what its log lines and macros tell.
    struct Work;
    cleanup::Treatment treatment(const ipc::Clean& question) const;
    template <class Question>
    Task<Result<typename Question::Reply>> ask(Question question);
    static std::optional<checks::Refusal> heed(Work& work, const milter::Verdict& verdict);
    Task<Result<milter::Verdict>> ask_milters(Work& work);
    Task<milter::Verdict> session(milter::Chain& chain, Work& work);
    std::string macro(const Work& work, std::string_view name) const;

    Scope& scope_;
    dns::Resolver& resolver_;
    const Settings& settings_;
    ipc::Client addressd_;
};

}  // namespace facteur::policyd
