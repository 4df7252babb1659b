// What happens to commands and replies on their way: smtpd_command_filter, soft_bounce,
// smtpd_reject_footer.
#include <ctime>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "smtpd/reply_dress.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace {

std::string local_time() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    localtime_r(&now, &parts);
    char text[64];
    return std::string(text, std::strftime(text, sizeof text, "%h %d %H:%M:%S", &parts));
}

std::string piece_of(const std::string* address, bool local) {
    const smtp::Mailbox mailbox = smtp::split_internal(address ? *address : std::string());
    return local ? mailbox.local : mailbox.domain;
}

}  // namespace

std::optional<std::string> Session::footer_value(std::string_view name) const {
    const std::string* sender = transaction_ ? &transaction_->sender : nullptr;
    const std::string* recipient = last_recipient_.empty() ? nullptr : &last_recipient_;
    const auto whole = [](const std::string* address) {
        return address ? smtp::to_external(*address) : std::string();
    };
    if (name == "client") return client_.text();
    if (name == "client_address") return client_.ip;
    if (name == "client_name") return client_.name;
    if (name == "client_port") return std::to_string(client_.address.port());
    if (name == "reverse_client_name") return client_.reverse_name;
    if (name == "helo_name") return client_.helo;
    if (name == "localtime") return local_time();
    if (name == "mail_name") return settings_.mail_name();
    if (name == "myhostname" || name == "server_name") return settings_.myhostname();
    if (name == "server_address") return client_.server.ip();
    if (name == "server_port") return std::to_string(client_.server.port());
    if (name == "sender") return whole(sender);
    if (name == "sender_domain") return piece_of(sender, false);
    if (name == "sender_name") return piece_of(sender, true);
    if (name == "recipient") return whole(recipient);
    if (name == "recipient_domain") return piece_of(recipient, false);
    if (name == "recipient_name") return piece_of(recipient, true);
    if (name == "ccert_subject" || name == "ccert_issuer") return std::string();
    return std::nullopt;
}

/// What the client hears in the place of a refusal.
Task<Reply> Session::dressed(Reply reply) {
    const CommandSettings& commands = settings_.commands;
    if (commands.soft_bounce()) make_temporary(reply);
    std::string footer = commands.footer();
    if (!commands.footer_maps().empty()) {
        ipc::Lookup question;
        question.tables = commands.footer_maps();
        question.key = smtp::to_line(reply);
        auto found = co_await server_.backend.lookup(std::move(question));
        if (!found) log_warning("smtpd_reject_footer_maps: " + found.error().text);
        if (found && *found) footer = **std::move(found);
    }
    if (footer.empty()) co_return reply;
    const CharacterFilter filter(commands.expansion_filter());
    const auto value = [&](std::string_view name) {
        auto found = footer_value(name);
        if (found) found = filter(*found);
        return found;
    };
    const auto added = add_footer(reply, footer, value);
    if (!added) log_warning("smtpd_reject_footer: " + added.error().text);
    co_return reply;
}

/// The line that is read in the place of this one.
Task<std::string> Session::filtered(std::string line) {
    ipc::Lookup question;
    question.tables = settings_.commands.filter();
    if (question.tables.empty()) co_return line;
    question.key = line;
    auto found = co_await server_.backend.lookup(std::move(question));
    if (!found) log_warning("smtpd_command_filter: " + found.error().text);
    if (!found || !*found) co_return line;
    log_info("replacing command \"" + printable(line, 100) + "\" with \"" +
             printable(**found, 100) + "\" from " + client_.text());
    co_return **std::move(found);
}

/// The EHLO keywords that this client is not offered.
Task<void> Session::learn_discarded() {
    discarded_ = settings_.commands.discard_keywords();
    ipc::Lookup question;
    question.tables = settings_.commands.discard_keyword_maps();
    if (question.tables.empty()) co_return;
    question.key = client_.ip;
    auto found = co_await server_.backend.lookup(std::move(question));
    if (!found) log_warning("smtpd_discard_ehlo_keyword_address_maps: " + found.error().text);
    if (found && *found) discarded_ = conf::parse_list(**found);
}

bool Session::offers(std::string_view keyword) const {
    for (const std::string& dropped : discarded_) {
        if (iequals(dropped, keyword)) return false;
    }
    return true;
}

}  // namespace facteur::smtpd
