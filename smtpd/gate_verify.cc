// reject_unverified_sender and reject_unverified_recipient: is mail for an address taken where it
// would go?  policyd knows, or finds out.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/smtp/status.h"
#include "smtpd/gate.h"

namespace facteur::smtpd {

namespace {

/// Of what a stranger's server said about the address, in our reply.
constexpr std::size_t kMostSaid = 250;

}  // namespace

Task<Ruling> Gate::verified(const Restriction& restriction, Stage, Facts& facts) {
    const bool is_sender = restriction.rule == Rule::reject_unverified_sender;
    const std::string* address = is_sender ? facts.sender : facts.recipient;
    if (!address || address->empty()) co_return Ruling();
    const VerifySettings& settings = settings_.verify;
    ipc::Verify question;
    question.address = *address;
    const Milliseconds patience = settings.poll_delay() * settings.poll_count();
    question.patience = static_cast<std::uint32_t>(patience.count());
    Result<ipc::VerifyReply> answer = co_await backend_.verify(std::move(question));
    const Stage stage = is_sender ? Stage::sender : Stage::recipient;
    const Tempfail action = is_sender ? settings.sender_tempfail() : settings.recipient_tempfail();
    if (!answer) {
        log_warning("address verification: " + answer.error().text);
        co_return tempfail(action, facts, "4.3.0",
                           '<' + smtp::to_external(*address) + ">: address verification problem");
    }
    if (answer->status == ipc::Deliverable::yes) co_return Ruling();
    const std::string& reason = is_sender ? settings.sender_reason() : settings.recipient_reason();
    const std::string why = reason.empty() ? printable(answer->text, kMostSaid) : reason;
    const std::string_view detail = is_sender ? ".1.7" : ".1.1";
    if (answer->status == ipc::Deliverable::no) {
        const int code = is_sender ? settings.sender_code() : settings.recipient_code();
        co_return refuse(code, '5' + std::string(detail),
                         rejected(stage, facts, "undeliverable address: " + why));
    }
    const int code = is_sender ? settings.sender_defer_code() : settings.recipient_defer_code();
    std::string text = rejected(stage, facts, "unverified address: " + why);
    if (action == Tempfail::defer)
        co_return refuse(code, '4' + std::string(detail), std::move(text));
    if (!facts.defer_if_permit)
        facts.defer_if_permit.emplace(
            smtp::Reply{code, '4' + std::string(detail), std::move(text)});
    co_return Ruling();
}

}  // namespace facteur::smtpd
