// What the submitter asked of the delivery, as far as the server offers it.
#include <algorithm>

#include <fmt/format.h>

#include "lib/smtp/parameters.h"
#include "lib/spool/delays.h"
#include "lib/spool/envelope.h"
#include "smtp-client/conversation.h"

namespace facteur::smtp_client {
namespace {

std::int64_t time_left(const ipc::Job& job) {
    return job.deliver_by - spool::wall_clock() / 1'000'000;
}

bool returns(const ipc::Job& job) {
    return job.by_mode == static_cast<std::uint8_t>(spool::ByMode::return_it);
}

}  // namespace

void Conversation::put_wishes(smtp::MailParameters& parameters, const ipc::Job& job) const {
    // RFC 6710 section 4.3: what has the normal priority needs no word.
    if (offers_.mt_priority && job.priority != 0) parameters.priority = job.priority;
    if (!offers_.deliver_by || job.by_mode == 0) return;
    constexpr std::int64_t kMost = 999'999'999;  // RFC 2852 section 4: nine digits
    smtp::DeliverBy by;
    by.seconds = std::clamp(time_left(job), -kMost, kMost);
    by.returns = returns(job);
    by.trace = job.by_trace;
    parameters.by = by;
}

/// RFC 2852 section 4.1: what is to come back when it is late goes only where that is known, and
/// only when it can be in time.
std::optional<Trouble> Conversation::time_obstacle(const ipc::Job& job) const {
    if (!returns(job)) return std::nullopt;
    const std::int64_t left = time_left(job);
    if (left <= 0) return unfit(target_, true, "5.4.7", "delivery time expired");
    if (manner_.protocol == Protocol::lmtp) return std::nullopt;  // it delivers at once
    if (!offers_.deliver_by) {
        return unfit(target_, true, "5.3.3",
                     "DELIVERBY is required, but was not offered by host " + target_.name_and_ip());
    }
    if (left < static_cast<std::int64_t>(offers_.least_time)) {
        return unfit(
            target_, true, "5.4.7",
            fmt::format("cannot be delivered in time: host {} needs {} seconds, {} are left",
                        target_.name_and_ip(), offers_.least_time, left));
    }
    return std::nullopt;
}

}  // namespace facteur::smtp_client
