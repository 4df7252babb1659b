#include "lmtp-local/local_delivery.h"

#include <algorithm>
#include <ctime>

#include <paths.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/smtp/address.h"
#include "lmtp-local/command.h"
#include "lmtp-local/forwarding.h"
#include "lmtp-local/unix_form.h"

namespace facteur::lmtp_local {
namespace {

bool allows(const std::vector<std::string>& where, std::string_view what = "forward") {
    return std::find(where.begin(), where.end(), what) != where.end();
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

Macros LocalDelivery::macros(const Addressee& recipient, const Account& account) const {
    smtp::Mailbox mailbox = smtp::split_internal(recipient.address);
    Macros out;
    out["recipient"] = recipient.address;
    out["local"] = mailbox.local;
    out["domain"] = mailbox.domain;
    const table::AddressParts parts = split_name(mailbox.local);
    // It becomes part of a file name.
    if (!parts.extension.empty() && parts.extension.find('/') == std::string::npos) {
        out["extension"] = parts.extension.substr(1);
        out["recipient_delimiter"] = parts.extension.substr(0, 1);
    }
    out["user"] = account.name;
    out["home"] = account.home;
    out["shell"] = account.name.empty() ? "" : _PATH_BSHELL;
    return out;
}

// local(8), "EXTERNAL COMMAND DELIVERY".
std::vector<std::string> LocalDelivery::environment(const Mail& mail, const Addressee& recipient,
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
    for (std::string& one : exported_environment(settings_.export_environment()))
        out.push_back(std::move(one));
    return out;
}

/// %u, %n, %d and %h as in Dovecot's settings; the command's standard input is empty.
Task<void> LocalDelivery::warn(const User& user, std::string command) {
    const Account account = account_of(user);
    const smtp::Mailbox name = smtp::split_internal(account.name);
    CommandTask task;
    task.command = replace_all(std::move(command), "%u", account.name);
    task.command = replace_all(std::move(task.command), "%n", name.local);
    task.command = replace_all(std::move(task.command), "%d", name.domain);
    task.command = replace_all(std::move(task.command), "%h", account.home);
    task.shell = settings_.local_command_shell();
    task.environment = {"USER=" + account.name, "LOGNAME=" + account.name, "HOME=" + account.home,
                        std::string("PATH=") + _PATH_DEFPATH};
    task.bare = true;
    task.output_limit = static_cast<std::uint64_t>(settings_.command_output_limit());
    task.seconds = settings_.command_time_limit("").count();
    const std::string what = "quota warning of " + account.name;
    try {
        auto done = co_await hands_.ask(account.who, std::move(task));
        if (!done) log_warning(what + ": " + done.error().text);
    } catch (const Disconnect&) {
        log_warning(what + ": shutting down");
    }
}

Task<Outcome> LocalDelivery::to_command(const Mail& mail, const Addressee& recipient,
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
    task.prefix = delivery_prefix(mail, recipient, marks("command"));
    task.offset = mail.offset;
    task.size = mail.size;
    task.seconds = settings_.command_time_limit("").count();
    task.output_limit = static_cast<std::uint64_t>(settings_.command_output_limit());
    auto answer = co_await hands_.ask(account.who, std::move(task), mail.content.duplicate());
    if (!answer) co_return Outcome::bad(answer.error());
    co_return Outcome::good(ipc::Outcome::delivered,
                            "delivered to command: " + printable(command, 200));
}

Task<Outcome> LocalDelivery::to_file(const Mail& mail, const Addressee& recipient, Account account,
                                     std::string path) {
    const bool is_forward = !account.name.empty();
    if (is_forward && !allows(settings_.aliases.allow_mail_to_files()))
        co_return Outcome::failed("mail to files is restricted", "5.7.1");
    co_return co_await append(mail, recipient, std::move(account), std::move(path), false);
}

Task<Outcome> LocalDelivery::append_to_maildir(const Mail& mail, const Addressee& recipient,
                                               Account account, std::string path) {
    const auto limit = static_cast<std::uint64_t>(settings_.mailbox_size_limit());
    if (limit > 0 && mail.size > limit)
        co_return Outcome::failed("message is larger than mailbox_size_limit", "5.2.2");
    MaildirTask task;
    task.location = "maildir:" + path;
    task.hostname = settings_.myhostname();
    task.prefix = delivery_prefix(mail, recipient, marks("file"));
    task.offset = mail.offset;
    task.size = mail.size;
    task.delivery_id = mail.id + "-" + std::to_string(recipient.index) + "-" + path;
    task.maybe_delivered = true;
    task.durable = true;
    auto answer = co_await hands_.ask(account.who, std::move(task), mail.content.duplicate());
    if (!answer) co_return Outcome::bad(answer.error());
    co_return Outcome::good(ipc::Outcome::delivered, "delivered to maildir");
}

FileTask LocalDelivery::file_task(const Mail& mail, const Addressee& recipient,
                                  std::string path) const {
    FileTask task;
    task.path = std::move(path);
    task.from_line = from_line(mail.sender, std::time(nullptr));
    task.prefix = delivery_prefix(mail, recipient, marks("file"));
    task.offset = mail.offset;
    task.size = mail.size;
    task.locks = settings_.mailbox_delivery_lock();
    task.attempts = settings_.deliver_lock_attempts();
    task.delay = settings_.deliver_lock_delay().count();
    task.stale = settings_.stale_lock_time().count();
    task.limit = static_cast<std::uint64_t>(settings_.mailbox_size_limit());
    return task;
}

Task<Outcome> LocalDelivery::append(const Mail& mail, const Addressee& recipient, Account account,
                                    std::string path, bool is_mailbox) {
    if (path.ends_with('/'))
        co_return co_await append_to_maildir(mail, recipient, std::move(account), std::move(path));
    FileTask task = file_task(mail, recipient, path);
    task.own = is_mailbox && settings_.strict_mailbox_ownership();
    auto answer = co_await hands_.ask(account.who, std::move(task), mail.content.duplicate());
    if (!answer) co_return Outcome::bad(answer.error());
    std::string text = is_mailbox ? "delivered to mailbox" : "delivered to file: " + path;
    co_return Outcome::good(ipc::Outcome::delivered, std::move(text));
}

Task<Outcome> LocalDelivery::to_virtual_file(const Mail& mail, const Addressee& recipient,
                                             Identity owner, std::string path) {
    FileTask task = file_task(mail, recipient, std::move(path));
    task.prefix = delivery_prefix(mail, recipient);
    task.locks = settings_.virtual_mailbox_lock();
    task.limit = static_cast<std::uint64_t>(settings_.virtual_mailbox_limit());
    task.own = settings_.strict_mailbox_ownership();
    if (!hands_.can_become_others()) owner = Identity{::geteuid(), ::getegid(), 0};
    auto answer = co_await hands_.ask(owner, std::move(task), mail.content.duplicate());
    if (!answer) co_return Outcome::bad(answer.error());
    co_return Outcome::good(ipc::Outcome::delivered, "delivered to mailbox");
}

bool LocalDelivery::marks(std::string_view what) const {
    const auto& where = settings_.prepend_delivered_header();
    return std::find(where.begin(), where.end(), what) != where.end();
}

table::AddressParts LocalDelivery::split_name(std::string_view local) const {
    const table::Delimiters delimiters(settings_.recipient_delimiter(),
                                       settings_.aliases.owner_request_special());
    // The local part alone: an @ in it is quoted, and ends nothing.
    return table::split_address(std::string(local) + "@", delimiters);
}

Task<Result<std::string>> LocalDelivery::of_user(const std::vector<std::string>& tables,
                                                 std::string name, std::string otherwise) {
    if (tables.empty()) co_return otherwise;
    ipc::Lookup question;
    question.tables = tables;
    question.key = std::move(name);
    CO_TRY(auto answer, co_await addressd_.call(std::move(question)));
    co_return answer.message.found ? std::move(answer.message.value) : otherwise;
}

Task<Result<std::string>> LocalDelivery::transport(std::string name, bool is_user) {
    CO_TRY(std::string found, co_await of_user(settings_.mailbox_transport_maps(), name,
                                               settings_.mailbox_transport()));
    if (!found.empty() || is_user) co_return found;
    co_return co_await of_user(settings_.fallback_transport_maps(), std::move(name),
                               settings_.fallback_transport());
}

// No filter: what comes out is an address, and goes nowhere near a shell or a file.
std::string LocalDelivery::luser_relay(const Addressee& recipient) const {
    if (settings_.luser_relay().empty()) return {};
    Account nobody;
    Macros known = macros(recipient, nobody);
    known["user"] = split_name(known["local"]).local;
    std::string every;
    for (const auto& [name, value] : known)
        every += value;
    return expand_macros(settings_.luser_relay(), known, every);
}

Task<std::optional<Outcome>> LocalDelivery::to_mailbox(const Mail& mail, const Addressee& recipient,
                                                       const User& user) {
    Account account = account_of(user);
    auto command =
        co_await of_user(settings_.mailbox_command_maps(), user.name, settings_.mailbox_command());
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

/// local(8), "ADDRESS EXTENSION": addresses get back what the name of the file did not have.
void LocalDelivery::give_extension(std::vector<ipc::AliasTarget>& targets,
                                   const std::string& extension) const {
    if (extension.empty()) return;
    const auto& kinds = settings_.aliases.propagate_unmatched_extensions();
    for (ipc::AliasTarget& target : targets) {
        const bool included = target.via == kIncludedVia;
        if (target.kind != ipc::AliasKind::address) continue;
        if (!allows(kinds, included ? "include" : "forward")) continue;
        target.value.insert(std::min(target.value.rfind('@'), target.value.size()), extension);
    }
}

Task<Result<LocalDelivery::Targets>> LocalDelivery::forward_file(const Addressee& recipient,
                                                                 const User& user) {
    Account account = account_of(user);
    if (!settings_.forward_files() || account.home.empty()) co_return Targets();
    if (account.who.uid == 0 || account.who.gid == 0) {
        if (hands_.can_become_others()) co_return Targets();
    }
    ForwardTask task;
    if (settings_.require_home_directory()) task.home = account.home;
    const auto& commands = settings_.aliases.allow_mail_to_commands();
    const auto& files = settings_.aliases.allow_mail_to_files();
    if (allows(commands, "include")) task.include.push_back("commands");
    if (allows(files, "include")) task.include.push_back("files");
    std::vector<bool> extended;  // its name has the extension: then that is not unmatched
    const Macros known = macros(recipient, account);
    // Each name by itself: a comma in an extension must not make two of it.
    for (std::string_view name : split(settings_.forward_path(), ',')) {
        std::string path = expand_macros(trim(name), known, settings_.forward_expansion_filter());
        const bool is_again =
            std::find(task.paths.begin(), task.paths.end(), path) != task.paths.end();
        if (path.empty() || path.front() != '/' || is_again) continue;
        task.paths.push_back(std::move(path));
        extended.push_back(name.find("extension") != std::string_view::npos);
    }
    CO_TRY(auto answer, co_await hands_.ask(account.who, std::move(task)));
    Targets targets;
    if (!answer.result.found) co_return targets;
    targets = std::move(answer.result.targets);
    const bool matched = answer.result.path < extended.size() && extended[answer.result.path];
    if (!matched) give_extension(*targets, split_name(known.at("local")).extension);
    co_return targets;
}

}  // namespace facteur::lmtp_local
