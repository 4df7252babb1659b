// What a client asks of the delivery: MT-PRIORITY, DELIVERBY, FUTURERELEASE.
#include <algorithm>

#include "lib/smtp/keywords.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace {

namespace ehlo = smtp::ehlo;

std::int64_t seconds_of(WallTime when) {
    return std::chrono::duration_cast<conf::Seconds>(when.time_since_epoch()).count();
}

}  // namespace

smtp::Offered Session::offered() const {
    const ExtensionSettings& extensions = settings_.extensions;
    smtp::Offered offered;
    offered.smtputf8 = settings_.smtputf8_enable();
    offered.dsn = offers(ehlo::kDsn);
    offered.mt_priority = extensions.mt_priority() && offers(ehlo::kMtPriority);
    // RFC 2852 section 3: what happens when the time is over is a notification.
    offered.deliver_by = extensions.deliver_by() && offers(ehlo::kDeliverBy) && offered.dsn;
    offered.future_release = extensions.future_release() && offers(ehlo::kFutureRelease);
    offered.requiretls = client_.tls && offers(ehlo::kRequireTls);
    return offered;
}

std::string Session::offered_wishes() const {
    const ExtensionSettings& extensions = settings_.extensions;
    const smtp::Offered offered = this->offered();
    std::string text;
    if (offered.mt_priority) {
        text.append("\n").append(ehlo::kMtPriority);
        const std::string& profile = extensions.mt_priority_profile();
        if (!profile.empty()) text.append(" ").append(profile);
    }
    if (offered.deliver_by) {
        text.append("\n").append(ehlo::kDeliverBy);
        const auto least = extensions.deliver_by_minimum().count();
        if (least > 0) text.append(" ").append(std::to_string(least));
    }
    if (offered.future_release) {
        const auto most = extensions.future_release_limit().count();
        const std::int64_t now = seconds_of(std::chrono::system_clock::now());
        text.append("\n").append(ehlo::kFutureRelease).append(" ").append(std::to_string(most));
        text.append(" ").append(smtp::utc_time_text(now + most));
    }
    return text;
}

bool Session::is_among(const std::vector<std::string>& who) const {
    return std::any_of(who.begin(), who.end(), [this](const std::string& one) {
        return (one == "permit_inet_interfaces" && client_.in_inet_interfaces) ||
               (one == "permit_mynetworks" && client_.in_mynetworks) ||
               (one == "permit_sasl_authenticated" && !client_.login.empty());
    });
}

/// What is asked for more than this service gives.
std::optional<Reply> Session::excessive_wish(const smtp::MailParameters& parameters) const {
    const ExtensionSettings& extensions = settings_.extensions;
    const auto least = extensions.deliver_by_minimum().count();
    // RFC 2852 section 4.1.1
    if (parameters.by && parameters.by->returns && parameters.by->seconds < least)
        return Reply{555, "5.5.4",
                     "BY: the time is too short, " + std::to_string(least) + " seconds are needed"};
    if (!parameters.hold_for && !parameters.hold_until) return std::nullopt;
    if (client_.login.empty()) return Reply{530, "5.7.0", "Authentication required"};
    const std::int64_t now = seconds_of(std::chrono::system_clock::now());
    const std::int64_t hold =
        parameters.hold_for ? *parameters.hold_for : *parameters.hold_until - now;
    // RFC 4865 section 5
    if (hold > extensions.future_release_limit().count())
        return Reply{501, "5.5.4", "The time of release is too far away"};
    if (hold < 0) return Reply{501, "5.5.4", "The time of release has passed"};
    return std::nullopt;
}

/// RFC 6710 section 5: who may not ask for more has the normal priority, and hears of it.
Reply Session::settle_priority(smtp::MailParameters& parameters) const {
    Reply good{250, "2.1.0", "Ok"};
    if (parameters.priority.value_or(0) <= 0) return good;
    if (is_among(settings_.extensions.mt_priority_clients())) return good;
    parameters.priority = 0;
    return Reply{250, "2.3.6", "0 is the priority of this message"};
}

void Session::put_wishes(ipc::Submit& message) const {
    const smtp::MailParameters& parameters = transaction_->parameters;
    const std::int64_t arrival = seconds_of(transaction_->arrival);
    message.priority = parameters.priority.value_or(0);
    if (parameters.by) {
        message.by_mode = parameters.by->returns ? 1 : 2;  // spool::ByMode
        message.by_trace = parameters.by->trace;
        message.deliver_by = arrival + parameters.by->seconds;
    }
    if (parameters.hold_for) message.release_at = arrival + *parameters.hold_for;
    if (parameters.hold_until) message.release_at = *parameters.hold_until;
}

}  // namespace facteur::smtpd
