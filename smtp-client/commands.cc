// What a transaction says of the envelope.
#include <algorithm>

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/event/errors.h"
#include "lib/smtp/address.h"
#include "lib/smtp/domain.h"
#include "lib/smtp/parameters.h"
#include "lib/smtp/xtext.h"
#include "smtp-client/conversation.h"

namespace facteur::smtp_client {

std::string Conversation::mail_command(const Envelope& envelope, bool eight_bit) const {
    const ipc::Job& job = *envelope.job;
    smtp::MailParameters parameters;
    if (offers_.size && !job.verify) parameters.size = envelope.content->size();
    // RFC 6152 section 2: it is said for what is so, whatever the submitter said or forgot.
    if (eight_bit) parameters.body = smtp::Body::eight_bit_mime;
    parameters.smtputf8 = job.smtputf8 && offers_.smtputf8;
    parameters.requiretls = job.requiretls;
    // RFC 4954 section 5: the sender is nobody that we vouch for.
    if (logged_in_ && settings_.sasl.dummy_mail_auth()) parameters.auth.emplace();
    if (offers_.dsn) {
        parameters.ret = static_cast<smtp::Ret>(job.ret);
        parameters.envid = job.envid;
    }
    put_wishes(parameters, job);
    return "MAIL FROM:<" + path(envelope.sender) + ">" + smtp::to_text(parameters);
}

/// smtp_quote_rfc821_envelope; whatever it says, an address is never more than one argument.
std::string Conversation::path(const std::string& address) const {
    bool safe = address.find_first_of("<> \t\r\n") == std::string::npos;
    return settings_.quote_envelope() || !safe ? smtp::to_external(address) : address;
}

/// Postfix's XFORWARD: what the server offers to hear of, in commands of at most 512 octets.
std::vector<std::string> Conversation::xforward_commands(const ipc::Job& job) const {
    const std::pair<std::string_view, std::string_view> attributes[] = {
        {"NAME", job.client_name},
        {"ADDR", job.client_address},
        {"PORT", ""},
        {"PROTO", job.protocol},
        {"HELO", job.helo},
        {"IDENT", job.queue_id},
        {"SOURCE", job.client_address.empty() ? "LOCAL" : "REMOTE"}};
    constexpr std::size_t kMostLine = 510;
    std::vector<std::string> commands;
    for (const auto& [name, value] : attributes) {
        if (std::ranges::find(offers_.xforward, name) == offers_.xforward.end()) continue;
        bool six = name == "ADDR" && value.find(':') != std::string_view::npos;
        std::string text = (six ? "IPV6:" : "") + std::string(value);
        std::string word = " " + std::string(name) + "=" +
                           (value.empty() ? "[UNAVAILABLE]" : smtp::xtext_encode(text));
        if (word.size() > 255) continue;
        if (commands.empty() || commands.back().size() + word.size() > kMostLine)
            commands.emplace_back("XFORWARD");
        commands.back() += word;
    }
    return commands;
}

/// smtp_send_xforward_command.  A server that refuses it gets the mail all the same.
Task<void> Conversation::tell_origin(const Envelope& envelope) {
    if (!settings_.send_xforward()) co_return;
    if (needs_reset_) {
        doing_ = "sending RSET";
        (void)co_await command(std::string("RSET"), settings_.timeouts.rset());
        needs_reset_ = false;
    }
    doing_ = "sending XFORWARD";
    for (const std::string& line : xforward_commands(*envelope.job)) {
        smtp::Reply answer = co_await command(line, settings_.timeouts.xforward());
        if (!answer.is_positive())
            log_warning(fmt::format("host {} said: {} (in reply to XFORWARD)",
                                    target_.name_and_ip(), smtp::to_line(answer)));
        if (broken_) throw Closed("the server hangs up");
    }
}

std::string Conversation::rcpt_command(const ipc::JobRecipient& recipient,
                                       const std::string& address) const {
    smtp::RcptParameters parameters;
    if (offers_.dsn) {
        parameters.notify = recipient.notify;
        parameters.orcpt = recipient.orcpt;
    }
    return "RCPT TO:<" + path(address) + ">" + smtp::to_text(parameters);
}

/// RFC 6531 section 3.4: it was announced so, and an address or the header has more than ASCII.
Task<bool> Conversation::needs_utf8(const Envelope& envelope) const {
    if (!envelope.job->smtputf8) co_return false;
    if (!smtp::is_ascii(envelope.sender)) co_return true;
    for (const std::string& address : envelope.addresses) {
        if (!smtp::is_ascii(address)) co_return true;
    }
    Content::Traits traits = co_await envelope.content->traits();
    co_return traits.eight_bit_header;
}

}  // namespace facteur::smtp_client
