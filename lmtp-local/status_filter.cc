#include "lmtp-local/status_filter.h"

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/ipc/ways/address.h"
#include "lib/smtp/status.h"

namespace facteur::lmtp_local {
namespace {

bool is_good(const ipc::RecipientResult& result) {
    return result.outcome != ipc::Outcome::deferred && result.outcome != ipc::Outcome::failed;
}

/// False: these words do not fit.
bool put_words(ipc::RecipientResult& result, std::string_view words) {
    std::string_view rest = words;
    const std::string status(take_word(rest));
    const bool good = is_good(result);
    if (!smtp::is_status(status) || rest.empty() || good != (status[0] == '2')) return false;
    result.status = status;
    result.text = rest;
    if (!good) result.outcome = status[0] == '5' ? ipc::Outcome::failed : ipc::Outcome::deferred;
    return true;
}

}  // namespace

Task<void> filter_status(ipc::Client& addressd, std::vector<std::string> tables,
                         std::string parameter, ipc::RecipientResult& result) {
    if (tables.empty()) co_return;
    ipc::Lookup question;
    question.tables = std::move(tables);
    question.key = result.status + " " + result.text;
    auto answer = co_await addressd.call(std::move(question));
    if (!answer) {
        log_warning(parameter + ": " + answer.error().text);
        co_return;
    }
    if (answer->message.found && !put_words(result, answer->message.value))
        log_warning(parameter + ": bad result: " + printable(answer->message.value));
}

}  // namespace facteur::lmtp_local
