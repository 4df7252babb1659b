// VRFY and EXPN: what is told of an address without mail for it (RFC 5321 section 3.5).
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace {

/// "<user@example.com>", "user@example.com" or "user": in internal form; empty: none of them.
std::string named_address(std::string_view text, bool utf8) {
    smtp::AddressRules rules;
    rules.utf8 = utf8;
    const auto mailbox = smtp::take_path(text, rules);
    if (!mailbox || mailbox->is_null() || !trim(text).empty()) return {};
    return mailbox->internal();
}

}  // namespace

/// Nobody learns more than from RCPT, because the same restrictions answer.
Task<std::optional<Reply>> Session::refuse_to_tell(const char* verb, const std::string& address) {
    if (is_screened_out()) co_return *screen_->verdict();
    Facts facts(client_, verb);
    facts.recipient = &address;
    facts.premature = premature_;
    std::optional<Reply> refusal = co_await server_.gate.recipient(facts);
    if (refusal) co_return refused(facts, *std::move(refusal));
    co_return std::nullopt;
}

/// RFC 5321 section 3.5.3: an address that we would take gets 252.
Task<Reply> Session::do_vrfy(std::string arguments) {
    if (settings_.disable_vrfy() || (is_screened_out() && settings_.screen.disable_vrfy()))
        co_return Reply{502, "5.5.1", "VRFY command is disabled"};
    if (arguments.empty()) co_return Reply{501, "5.5.4", "Syntax: VRFY address"};
    const std::string address = named_address(arguments, settings_.smtputf8_enable());
    if (address.empty()) co_return Reply{501, "5.1.3", "Bad recipient address syntax"};
    std::optional<Reply> refusal = co_await refuse_to_tell("VRFY", address);
    if (refusal) co_return *std::move(refusal);
    co_return Reply{252, "2.0.0", smtp::to_external(address)};
}

/// RFC 5321 section 3.5.2: one line a member.
Task<Reply> Session::do_expn(std::string arguments) {
    if (settings_.commands.disable_expn())
        co_return Reply{502, "5.5.1", "Error: command not implemented"};
    if (arguments.empty()) co_return Reply{501, "5.5.4", "Syntax: EXPN list"};
    const std::string address = named_address(arguments, settings_.smtputf8_enable());
    if (address.empty()) co_return Reply{501, "5.1.3", "Bad recipient address syntax"};
    std::optional<Reply> refusal = co_await refuse_to_tell("EXPN", address);
    if (refusal) co_return *std::move(refusal);
    auto members = co_await server_.backend.members(address);
    if (!members) {
        log_warning("EXPN " + printable(address) + ": " + members.error().text);
        co_return Reply{451, "4.3.0", "Temporary lookup failure"};
    }
    // RFC 5321 section 3.5.1: a user is no list.
    const bool itself = members->size() == 1 && iequals(members->front(), address);
    if (members->empty() || itself)
        co_return Reply{550, "5.1.1", "That is no mailing list: " + smtp::to_external(address)};
    std::string text;
    for (const std::string& member : *members)
        text += (text.empty() ? "<" : "\n<") + smtp::to_external(member) + ">";
    co_return Reply{250, "2.1.5", std::move(text)};
}

}  // namespace facteur::smtpd
