#include "qmgr/verdict.h"

#include "lib/base/text.h"

namespace facteur::qmgr {

spool::Progress deferred(std::string status, std::string text) {
    spool::Progress progress;
    progress.status = std::move(status);
    progress.text = std::move(text);
    return progress;
}

spool::Progress suspension(spool::Progress reason) {
    reason.text = "delivery temporarily suspended: " + reason.text;
    return reason;
}

spool::Progress progress_of(ipc::RecipientResult& result) {
    spool::Progress progress;
    switch (result.outcome) {
        case ipc::Outcome::delivered:
        case ipc::Outcome::written:
            // RFC 3461 section 5.2.2: who passed the request on does not report success.
            progress.fate = result.dsn_passed_on ? spool::Fate::relayed
                            : result.handed_on   ? spool::Fate::handed_on
                                                 : spool::Fate::delivered;
            break;
        case ipc::Outcome::expanded:
            progress.fate = spool::Fate::expanded;
            break;
        case ipc::Outcome::failed:
            progress.fate = spool::Fate::failed;
            break;
        case ipc::Outcome::deferred:
            break;
    }
    progress.status = std::move(result.status);
    progress.text = std::move(result.text);
    progress.remote = std::move(result.remote_mta);
    progress.diagnostic = std::move(result.diagnostic);
    return progress;
}

spool::Progress verdict(std::string status, std::string text) {
    spool::Progress progress;
    progress.fate = status.starts_with('5') ? spool::Fate::failed : spool::Fate::waiting;
    progress.status = std::move(status);
    progress.text = std::move(text);
    return progress;
}

spool::Progress verdict_of(std::string_view nexthop, std::string_view default_status) {
    std::string_view rest = nexthop;
    std::string_view first = take_word(rest);
    const bool has_status = first.size() >= 5 && is_digit(first[0]) && first[1] == '.';
    std::string status(has_status ? first : default_status);
    status[0] = default_status[0];
    return verdict(std::move(status), std::string(has_status ? rest : nexthop));
}

}  // namespace facteur::qmgr
