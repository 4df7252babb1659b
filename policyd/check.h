#pragma once

#include <optional>

#include "lib/base/fd.h"
#include "lib/event/task.h"
#include "lib/ipc/ways/policy.h"

namespace facteur::policyd {

/// One thing that policyd looks at.  The first check that objects decides; what accepting checks
/// want to have on top of the content is collected from all of them.
class Check {
public:
    virtual ~Check() = default;
    /// Which questions can make a difference, as this daemon is configured.
    virtual ipc::PolicyInterestsReply interests() const = 0;
    /// At a moment of a session, asked by a process of smtpd.
    virtual Task<std::optional<ipc::PolicyReply>> ask(const ipc::Ask& question,
                                                      std::int32_t process) = 0;
    /// When the content is there.
    virtual Task<std::optional<ipc::PolicyReply>> judge(const ipc::Judge& question,
                                                        const Fd& content) = 0;
};

}  // namespace facteur::policyd
