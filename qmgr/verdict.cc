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

namespace {

/// RFC 2852 section 4.1: the sender hears of each relay when it asked for a trace, and of one to a
/// system that does not know until when the message is wanted.
bool tells_relay(const ipc::RecipientResult& result, const spool::Envelope& envelope) {
    if (!result.dsn_passed_on && !result.handed_on) return false;
    if (result.by_passed_on) return envelope.by_trace;
    return envelope.by_mode == spool::ByMode::notify;
}

}  // namespace

spool::Progress progress_of(ipc::RecipientResult& result, const spool::Envelope& envelope) {
    spool::Progress progress;
    switch (result.outcome) {
        case ipc::Outcome::delivered:
        case ipc::Outcome::written:
            // RFC 3461 section 5.2.2: who passed the request on does not report success.
            progress.fate = result.dsn_passed_on ? spool::Fate::relayed
                            : result.handed_on   ? spool::Fate::handed_on
                                                 : spool::Fate::delivered;
            progress.tell_relay = tells_relay(result, envelope);
            break;
        case ipc::Outcome::expanded:
            // RFC 3461 section 5.2.7.1: what became one message is reported by that.
            progress.fate = result.dsn_passed_on ? spool::Fate::relayed : spool::Fate::expanded;
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
