#include "lmtp-local/local_delivery.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include <paths.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lmtp-local/unix_form.h"

namespace facteur::lmtp_local {
namespace {

constexpr std::string_view kForward = "forward";

bool allows(const std::vector<std::string>& where) {
    return std::find(where.begin(), where.end(), kForward) != where.end();
}

Result<Account> account_named(const std::string& name, const Hands& hands) {
    Account account;
    account.who.uid = ::geteuid();
    account.who.gid = ::getegid();
    if (!hands.can_become_others()) return account;
    const passwd* entry = ::getpwnam(name.c_str());
    if (!entry) return temporary("default_privs: no such user: " + name, "4.3.5");
    account.who.uid = entry->pw_uid;
    account.who.gid = entry->pw_gid;
    return account;
}

std::string extension_of(const std::string& local, const std::string& delimiters) {
    std::size_t at = local.find_first_of(delimiters);
    if (at == 0 || at == std::string::npos) return {};
    std::string extension = local.substr(at + 1);
    // It becomes part of a file name.
    return extension.find('/') == std::string::npos ? extension : std::string();
}

}  // namespace

LocalDelivery::LocalDelivery(const Settings& settings, Hands& hands, ipc::Client& addressd)
    : settings_(settings),
      hands_(hands),
      addressd_(addressd),
      aliases_(account_named(settings.default_privs(), hands)) {}

Result<Account> LocalDelivery::account_of_aliases() const {
    return aliases_;
}

Account LocalDelivery::account_of(const User& user) const {
    Account account;
    account.name = user.name;
    account.home = user.home;
    account.who.uid = hands_.can_become_others() ? user.uid : ::geteuid();
    account.who.gid = hands_.can_become_others() ? user.gid : ::getegid();
    return account;
}

Macros LocalDelivery::macros(const ipc::JobRecipient& recipient, const Account& account) const {
    smtp::Mailbox mailbox = smtp::split_internal(recipient.address);
    Macros out;
    out["recipient"] = recipient.address;
    out["local"] = mailbox.local;
    out["domain"] = mailbox.domain;
    out["extension"] = extension_of(mailbox.local, settings_.recipient_delimiter());
    if (!out["extension"].empty())
        out["recipient_delimiter"] =
            mailbox.local.substr(mailbox.local.size() - out["extension"].size() - 1, 1);
    out["user"] = account.name;
    out["home"] = account.home;
    out["shell"] = account.name.empty() ? "" : _PATH_BSHELL;
    return out;
}

// local(8), "EXTERNAL COMMAND DELIVERY".
std::vector<std::string> LocalDelivery::environment(const Mail& mail,
                                                    const ipc::JobRecipient& recipient,
                                                    const Account& account) const {
    std::vector<std::string> out;
    auto add = [&](const char* name, const std::string& value) {
        if (!value.empty())
            out.push_back(std::string(name) + "=" +
                          filtered(value, settings_.command_expansion_filter()));
    };
    const Macros known = macros(recipient, account);
    auto value = [&known](std::string_view name) {
        auto at = known.find(name);
        return at == known.end() ? std::string() : at->second;
    };
    const std::string& original =
        recipient.original.empty() ? recipient.address : recipient.original;
    add("SENDER",
        mail.sender.empty() ? settings_.empty_address_recipient() : smtp::to_external(mail.sender));
    add("RECIPIENT", smtp::to_external(recipient.address));
    add("ORIGINAL_RECIPIENT", smtp::to_external(original));
    add("LOCAL", value("local"));
    add("DOMAIN", value("domain"));
    add("EXTENSION", value("extension"));
    const std::string user = account.name.empty() ? value("local") : account.name;
    add("USER", user);
    add("LOGNAME", user);
    add("HOME", account.home);
    add("SHELL", value("shell"));
    add("CLIENT_HOSTNAME", mail.client_name);
    add("CLIENT_ADDRESS", mail.client_address);
    add("SASL_USERNAME", mail.login);
    out.push_back(std::string("PATH=") + _PATH_DEFPATH);
    for (const std::string& name : settings_.export_environment()) {
        if (name.find('=') != std::string::npos) {
            out.push_back(name);
        } else if (const char* found = std::getenv(name.c_str())) {
            out.push_back(name + "=" + found);
        }
    }
    return out;
}

Task<Outcome> LocalDelivery::to_command(const Mail& mail, const ipc::JobRecipient& recipient,
                                        Account account, std::string command) {
    const bool is_forward = !account.name.empty();
    if (is_forward && !allows(settings_.aliases.allow_mail_to_commands()))
        co_return Outcome::failed("mail to commands is restricted", "5.7.1");
    CommandTask task;
    task.command = command;
    task.shell = settings_.local_command_shell();
    task.environment = environment(mail, recipient, account);
    task.directory =
        expand_macros(settings_.command_execution_directory(), macros(recipient, account),
                      settings_.execution_directory_expansion_filter());
    task.from_line = from_line(mail.sender, std::time(nullptr));
    task.prefix = delivery_prefix(mail, recipient);
    task.offset = mail.offset;
    task.size = mail.size;
    task.seconds = settings_.command_time_limit().count();
    auto answer = co_await hands_.ask(account.who, std::move(task), mail.content.duplicate());
    if (!answer) co_return Outcome::bad(answer.error());
    co_return Outcome::good(ipc::Outcome::delivered,
                            "delivered to command: " + printable(command, 200));
}

Task<Outcome> LocalDelivery::to_file(const Mail& mail, const ipc::JobRecipient& recipient,
                                     Account account, std::string path) {
    const bool is_forward = !account.name.empty();
    if (is_forward && !allows(settings_.aliases.allow_mail_to_files()))
        co_return Outcome::failed("mail to files is restricted", "5.7.1");
    co_return co_await append(mail, recipient, std::move(account), std::move(path), false);
}

Task<Outcome> LocalDelivery::append(const Mail& mail, const ipc::JobRecipient& recipient,
                                    Account account, std::string path, bool is_mailbox) {
    if (path.ends_with('/')) {
        MaildirTask task;
        task.location = "maildir:" + path;
        task.hostname = settings_.myhostname();
        task.prefix = delivery_prefix(mail, recipient);
        task.offset = mail.offset;
        task.size = mail.size;
        task.delivery_id = mail.id + "-" + std::to_string(recipient.index) + "-" + path;
        task.maybe_delivered = true;
        task.durable = true;
        auto answer = co_await hands_.ask(account.who, std::move(task), mail.content.duplicate());
        if (!answer) co_return Outcome::bad(answer.error());
        co_return Outcome::good(ipc::Outcome::delivered, "delivered to maildir");
    }
    FileTask task;
    task.path = path;
    task.from_line = from_line(mail.sender, std::time(nullptr));
    task.prefix = delivery_prefix(mail, recipient);
    task.offset = mail.offset;
    task.size = mail.size;
    task.locks = settings_.mailbox_delivery_lock();
    task.attempts = settings_.deliver_lock_attempts();
    task.delay = settings_.deliver_lock_delay().count();
    task.stale = settings_.stale_lock_time().count();
    task.limit = static_cast<std::uint64_t>(settings_.mailbox_size_limit());
    task.own = is_mailbox && settings_.strict_mailbox_ownership();
    auto answer = co_await hands_.ask(account.who, std::move(task), mail.content.duplicate());
    if (!answer) co_return Outcome::bad(answer.error());
    std::string text = is_mailbox ? "delivered to mailbox" : "delivered to file: " + path;
    co_return Outcome::good(ipc::Outcome::delivered, std::move(text));
}

Task<Result<std::string>> LocalDelivery::mailbox_command(const std::string& user) {
    if (settings_.mailbox_command_maps().empty()) co_return settings_.mailbox_command();
    ipc::Lookup question;
    question.tables = settings_.mailbox_command_maps();
    question.key = user;
    CO_TRY(auto answer, co_await addressd_.call(std::move(question)));
    co_return answer.message.found ? answer.message.value : settings_.mailbox_command();
}

Task<std::optional<Outcome>> LocalDelivery::to_mailbox(const Mail& mail,
                                                       const ipc::JobRecipient& recipient,
                                                       const User& user) {
    Account account = account_of(user);
    auto command = co_await mailbox_command(user.name);
    if (!command) co_return Outcome::bad(command.error());
    if (!command->empty()) {
        Outcome outcome = co_await to_command(mail, recipient, std::move(account), *command);
        co_return outcome;
    }
    std::string path;
    const std::string& spool = settings_.mail_spool_directory();
    if (!settings_.home_mailbox().empty()) {
        path = user.home + "/" + settings_.home_mailbox();
    } else if (!spool.empty()) {
        path = spool + (spool.ends_with('/') ? "" : "/") + user.name;
        // Files and locks in /var/mail are made by the group that it belongs to.
        struct stat found {};
        const bool has_group = ::stat(spool.c_str(), &found) == 0 && (found.st_mode & S_IWGRP) != 0;
        if (has_group && hands_.can_become_others()) account.who.extra_gid = found.st_gid;
        if (spool.ends_with('/')) path += '/';
    }
    if (path.empty()) co_return std::nullopt;
    Outcome outcome = co_await append(mail, recipient, std::move(account), std::move(path), true);
    co_return outcome;
}

Task<Result<LocalDelivery::Targets>> LocalDelivery::forward_file(const ipc::JobRecipient& recipient,
                                                                 const User& user) {
    Account account = account_of(user);
    if (!settings_.forward_files() || account.home.empty()) co_return Targets();
    if (account.who.uid == 0 || account.who.gid == 0) {
        if (hands_.can_become_others()) co_return Targets();
    }
    ForwardTask task;
    const Macros known = macros(recipient, account);
    // Each name by itself: a comma in an extension must not make two of it.
    for (std::string_view name : split(settings_.forward_path(), ',')) {
        std::string path = expand_macros(trim(name), known, settings_.forward_expansion_filter());
        const bool is_again =
            std::find(task.paths.begin(), task.paths.end(), path) != task.paths.end();
        if (!path.empty() && path.front() == '/' && !is_again)
            task.paths.push_back(std::move(path));
    }
    CO_TRY(auto answer, co_await hands_.ask(account.who, std::move(task)));
    Targets targets;
    if (answer.result.found) targets = std::move(answer.result.targets);
    co_return targets;
}

}  // namespace facteur::lmtp_local
