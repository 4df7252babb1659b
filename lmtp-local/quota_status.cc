#include "lmtp-local/quota_status.h"

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"

namespace facteur::lmtp_local {
namespace {

constexpr std::size_t kLongestAttribute = 4096;
constexpr int kMostAttributes = 100;

}  // namespace

Task<void> QuotaStatus::run() {
    try {
        co_await converse();
    } catch (const Disconnect&) {  // nothing is owed to who has gone
    }
}

Task<void> QuotaStatus::converse() {
    std::string recipient;
    std::uint64_t size = 0;
    int attributes = 0;
    for (;;) {
        stream_.set_deadline(settings_.timeout());
        Line line = co_await stream_.read_line(kLongestAttribute);
        std::string_view text = line.text;
        if (text.empty()) {
            std::string reply = "action=" + co_await action(std::move(recipient), size);
            stream_.put(reply + "\n\n");
            co_await stream_.flush();
            recipient.clear();
            size = 0;
            attributes = 0;
        } else if (line.too_long || ++attributes > kMostAttributes) {
            co_return;
        } else if (text.starts_with("recipient=")) {
            recipient = text.substr(text.find('=') + 1);
        } else if (text.starts_with("size=")) {
            size = parse_number(text.substr(text.find('=') + 1)).value_or(0);
        }
    }
}

std::string QuotaStatus::refusal(const Error& error) const {
    if (error.status == "5.2.3" && !settings_.quota_status_toolarge().empty())
        return settings_.quota_status_toolarge();
    if (!settings_.quota_status_overquota().empty()) return settings_.quota_status_overquota();
    if (settings_.quota_full_tempfail()) return "452 4.2.2 " + error.text;
    return "552 " + error.status + " " + error.text;
}

Task<std::string> QuotaStatus::action(std::string recipient, std::uint64_t size) {
    // At other stages there is no recipient: it is not for us to say.
    if (recipient.empty()) co_return std::string("DUNNO");
    auto user = co_await deliverer_.find(recipient);
    if (!user) {
        log_warning("quota-status: " + user.error().text);
        co_return "DEFER_IF_PERMIT " + std::string("4.3.0 Temporary internal error");
    }
    if (!*user) co_return settings_.quota_status_nouser();
    auto room = co_await (*user)->box->has_room(size);
    if (room) co_return settings_.quota_status_success();
    if (!room.error().is_temporary()) co_return refusal(room.error());
    log_warning("quota-status: " + room.error().text);
    co_return "DEFER_IF_PERMIT " + std::string("4.3.0 Temporary internal error");
}

}  // namespace facteur::lmtp_local
