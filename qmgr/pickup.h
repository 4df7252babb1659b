#pragma once

#include <string>
#include <string_view>

#include "lib/event/readiness.h"
#include "qmgr/manager.h"

namespace facteur::qmgr {

/// Takes what sendmail(1) left in maildrop/, also what came while nothing ran.
class Pickup {
public:
    Pickup(Manager& manager, Scope& scope);
    ~Pickup();
    void start();
    Task<void> stop();
    /// Looks now.
    void wake() { wake_.notify_all(); }

private:
    Task<void> run();
    Task<void> watch();
    Task<void> take_all();
    Task<bool> take(std::string name);
    Task<Result<void>> queue_cleaned(spool::QueueId id, spool::Envelope envelope,
                                     std::string content);
    Task<void> reject(std::string name, std::string why);

    Manager& manager_;
    Fd inotify_;
    std::unique_ptr<Readiness> readiness_;
    Signal wake_;
    Scope running_;
    Cleaning cleaning_;
};

/// Local programs write lines as they like; in the queue each ends in CRLF, and a CR or LF alone
/// can hide nothing (RFC 5321 section 2.3.8).
std::string with_crlf(std::string_view content);

}  // namespace facteur::qmgr
