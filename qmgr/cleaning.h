#pragma once

#include <functional>
#include <string>

#include "lib/event/task.h"
#include "lib/ipc/client.h"
#include "lib/ipc/ways/policy.h"
#include "lib/spool/envelope.h"
#include "lib/spool/queue_id.h"

namespace facteur::qmgr {

/// What policyd made of a message that did not come over SMTP; its envelope and content are changed
/// already.
struct CleanedMail {
    std::string refusal;  ///< "5.7.1 why"; empty: it goes on
    bool discard = false;
    bool hold = false;
};

/// Asks policyd, or a test.  how: what is left out, and who sends it.  The Error: not now.  What is
/// given by reference must live until the task ends.
using CleanMail = std::function<Task<Result<CleanedMail>>(
    spool::QueueId id, spool::Envelope& envelope, std::string& content, ipc::Clean how)>;

/// policyd's checks, milters and completions for such mail (Postfix's cleanup(8)).
class Cleaning {
public:
    explicit Cleaning(Scope& scope);
    Task<Result<CleanedMail>> clean(spool::QueueId id, spool::Envelope& envelope,
                                    std::string& content, ipc::Clean how);

private:
    ipc::Client policyd_;
};

}  // namespace facteur::qmgr
