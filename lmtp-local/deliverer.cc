#include "lmtp-local/deliverer.h"

#include <algorithm>
#include <map>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/spool/delays.h"
#include "lib/table/address_keys.h"
#include "lmtp-local/forwarding.h"
#include "lmtp-local/status_filter.h"

namespace facteur::lmtp_local {
namespace {

/// A message that came while our predecessor ended may have been in its hands, and clocks step.
constexpr std::int64_t kDoubt = 10'000'000;

Outcome unknown(const std::string& name) {
    return Outcome::failed("unknown user: \"" + name + "\"", "5.1.1");
}

}  // namespace

Deliverer::Deliverer(Scope& scope, WorkerPool& workers, const Settings& settings, Flusher& flusher,
                     Hands& hands)
    : scope_(scope),
      users_(scope, workers, hands, settings),
      addressd_(scope, "private/address"),
      local_(settings, hands, addressd_),
      tables_(settings, addressd_),
      resubmitter_(scope, workers, settings),
      workers_(workers),
      settings_(settings),
      flusher_(flusher),
      started_(spool::wall_clock()) {}

std::string Deliverer::without_extension(const std::string& local) const {
    return local_.split_name(local).local;
}

Task<Result<std::shared_ptr<User>>> Deliverer::find(std::string address) {
    address = to_lower(address);
    CO_TRY(auto user, co_await users_.find(address));
    if (user) co_return user;
    smtp::Mailbox mailbox = smtp::split_internal(address);
    std::string local = without_extension(mailbox.local);
    if (local == mailbox.local) co_return user;
    mailbox.local = local;
    co_return co_await users_.find(mailbox.internal());
}

/// RFC 3463: X.2.2, mailbox full.
Outcome Deliverer::undelivered(const Error& error) const {
    if (error.status == "5.2.2" && settings_.quota_full_tempfail())
        return Outcome::deferred(error.text, "4.2.2");
    return Outcome::bad(error);
}

Task<Outcome> Deliverer::to_user(const Mail& mail, const Addressee& recipient,
                                 std::shared_ptr<User> user, Once once, bool marked) {
    store::NewMessage message;
    message.content = mail.content.duplicate();
    if (!message.content) co_return Outcome::deferred("out of descriptors", "4.3.0");
    message.content_offset = mail.offset;
    message.content_size = mail.size;
    message.prefix = delivery_prefix(mail, recipient, marked);
    message.durability = mail.durable ? store::Durability::now : store::Durability::later;
    message.delivery_id = std::move(once.id);
    const std::int64_t doubtful = std::max(started_, flusher_.failed_at()) + kDoubt;
    message.maybe_delivered = once.repeated || mail.arrival < doubtful;
    auto appended = co_await user->box->append(std::move(message));
    if (!appended) co_return undelivered(appended.error());
    for (std::string& command : user->box->take_warnings())
        scope_.spawn(local_.warn(*user, std::move(command)));
    if (mail.durable) co_return Outcome::good(ipc::Outcome::delivered, "delivered to maildir");
    Outcome outcome = Outcome::good(ipc::Outcome::written, "delivered to maildir");
    outcome.domains.insert(flusher_.touched(user));
    co_return outcome;
}

Task<Outcome> Deliverer::to_virtual(const Mail& mail, ipc::JobRecipient to) {
    const Addressee recipient(std::move(to));
    if (tables_.in_use()) co_return co_await to_table_mailbox(mail, recipient);
    auto user = co_await find(recipient.address);
    if (!user) co_return Outcome::bad(user.error());
    if (!*user) co_return unknown(recipient.address);
    Once once;
    once.id = mail.id + "-" + std::to_string(recipient.index);
    co_return co_await to_user(mail, recipient, *user, std::move(once), true);
}

/// virtual(8), with virtual_mailbox_maps and its friends.
Task<Outcome> Deliverer::to_table_mailbox(const Mail& mail, const Addressee& recipient) {
    auto found = co_await tables_.find(recipient.address);
    if (!found) co_return Outcome::bad(found.error());
    if (!*found) co_return unknown(recipient.address);
    const VirtualMailbox& mailbox = **found;
    if (!mailbox.path.ends_with('/'))
        co_return co_await local_.to_virtual_file(mail, recipient, mailbox.owner, mailbox.path);
    const auto limit = static_cast<std::uint64_t>(settings_.virtual_mailbox_limit());
    if (limit > 0 && mail.size > limit)
        co_return Outcome::failed("message is larger than virtual_mailbox_limit", "5.2.2");
    auto user = co_await users_.at(mailbox.owner.uid, mailbox.owner.gid, mailbox.path);
    if (!user) co_return Outcome::bad(user.error());
    Once once;
    once.id = mail.id + "-" + std::to_string(recipient.index);
    co_return co_await to_user(mail, recipient, *user, std::move(once), true);
}

Task<void> Deliverer::filter(ipc::RecipientResult& result, bool is_system_user) {
    const auto& parameter =
        is_system_user ? settings_.local_status_filter : settings_.virtual_status_filter;
    return filter_status(addressd_, parameter(), std::string(parameter.name()), result);
}

Task<bool> Deliverer::loops(const Mail& mail, std::string address) {
    std::function<bool()> look = [&mail, &address] {
        return was_delivered_to(mail.content.get(), mail.offset, mail.size, address);
    };
    co_return co_await workers_.run<bool>(std::move(look));
}

/// Users by their bare names, without the extension too, then users with a domain.
Task<Result<std::shared_ptr<User>>> Deliverer::find_local(std::string address, std::string& name) {
    const std::string local = smtp::split_internal(address).local;
    name = local;
    auto user = co_await users_.find(name);
    if (user && !*user) {
        name = without_extension(local);
        user = co_await users_.find(name);
    }
    if (user && !*user) user = co_await find(address);
    co_return user;
}

Task<Outcome> Deliverer::verify(ipc::JobRecipient recipient, bool local) {
    const std::string address = to_lower(recipient.address);
    if (local) co_return co_await verify_local(std::move(recipient), address);
    bool known = false;
    if (tables_.in_use()) {
        auto found = co_await tables_.find(recipient.address);
        if (!found) co_return Outcome::bad(found.error());
        known = found->has_value();
    } else {
        auto user = co_await find(address);
        if (!user) co_return Outcome::bad(user.error());
        known = *user != nullptr;
    }
    if (!known) co_return unknown(address);
    co_return Outcome::good(ipc::Outcome::delivered, "delivers to mailbox");
}

Task<Outcome> Deliverer::verify_local(ipc::JobRecipient recipient, std::string address) {
    ipc::Alias question;
    question.name = smtp::split_internal(address).local;
    auto alias = co_await addressd_.call(std::move(question));
    if (!alias) co_return Outcome::bad(alias.error());
    if (alias->message.found) {
        std::vector<std::string> targets;
        for (const ipc::AliasTarget& target : alias->message.targets)
            targets.push_back(target.value);
        co_return Outcome::good(ipc::Outcome::delivered, "aliased to " + join(targets, ", "));
    }
    std::string name;
    auto user = co_await find_local(address, name);
    if (!user) co_return Outcome::bad(user.error());
    const std::string plain = without_extension(smtp::split_internal(address).local);
    auto transport = co_await local_.transport(plain, *user != nullptr);
    if (!transport) co_return Outcome::bad(transport.error());
    if (!transport->empty())
        co_return Outcome::good(ipc::Outcome::delivered, "passes to " + *transport);
    const bool relayed = !local_.luser_relay(Addressee(std::move(recipient))).empty();
    if (!*user && !relayed) co_return unknown(name);
    co_return Outcome::good(ipc::Outcome::delivered,
                            *user ? "delivers to mailbox" : "passes to luser_relay");
}

Task<Outcome> Deliverer::to_local(const Mail& mail, ipc::JobRecipient to) {
    to.address = to_lower(to.address);
    const Addressee recipient(std::move(to));
    const bool has_been_here = co_await loops(mail, recipient.address);
    if (has_been_here)
        co_return Outcome::failed("mail forwarding loop for " + recipient.address, "5.4.6");
    ipc::Alias question;
    question.name = smtp::split_internal(recipient.address).local;
    auto alias = co_await addressd_.call(std::move(question));
    if (!alias) co_return Outcome::bad(alias.error());
    if (alias->message.found) {
        co_return co_await to_targets(mail, recipient, std::move(alias->message.targets),
                                      local_.account_of_aliases(), std::string());
    }
    std::string name;
    auto user = co_await find_local(recipient.address, name);
    if (!user) co_return Outcome::bad(user.error());
    Once once;
    once.id = mail.id + "-" + std::to_string(recipient.index);
    co_return co_await to_user_or_forward(mail, recipient, *user, std::move(name), std::move(once));
}

/// user: nullptr is nobody here.
Task<Outcome> Deliverer::to_user_or_forward(const Mail& mail, const Addressee& recipient,
                                            std::shared_ptr<User> user, std::string name,
                                            Once once) {
    if (!user) co_return co_await to_mailbox(mail, recipient, user, std::move(name), Once());
    auto targets = co_await local_.forward_file(recipient, *user);
    if (!targets) co_return Outcome::bad(targets.error());
    // local(8): an empty ~/.forward means not to forward.
    if (!*targets || (*targets)->empty())
        co_return co_await to_mailbox(mail, recipient, user, std::move(name), std::move(once));
    // "\\name", or one's own name: the mailbox, not another look at ~/.forward.
    for (ipc::AliasTarget& target : **targets) {
        const bool own = target.kind == ipc::AliasKind::address && iequals(target.value, name);
        if (own) target.kind = ipc::AliasKind::user;
    }
    Result<Account> account = local_.account_of(*user);
    co_return co_await to_targets(mail, recipient, **std::move(targets), std::move(account),
                                  user->name);
}

/// local(8), "MAILBOX DELIVERY": the transports come first, for names that nobody has, too.
Task<Outcome> Deliverer::to_mailbox(const Mail& mail, const Addressee& recipient,
                                    std::shared_ptr<User> user, std::string name, Once once) {
    const std::string plain = without_extension(smtp::split_internal(recipient.address).local);
    auto transport = co_await local_.transport(plain, user != nullptr);
    if (!transport) co_return Outcome::bad(transport.error());
    if (!transport->empty())
        co_return co_await resubmitter_.pass(mail, recipient, *std::move(transport));
    if (!user) co_return co_await to_nobody(mail, recipient, std::move(name));
    auto elsewhere = co_await local_.to_mailbox(mail, recipient, *user);
    if (elsewhere) co_return *std::move(elsewhere);
    co_return co_await to_user(mail, recipient, user, std::move(once), local_.marks("file"));
}

/// What local(8) does with mail for unknown users.
Task<Outcome> Deliverer::to_nobody(const Mail& mail, const Addressee& recipient, std::string name) {
    std::string relay = local_.luser_relay(recipient);
    if (!relay.empty()) {
        Resubmitter::Forward way;
        way.addresses.push_back(std::move(relay));
        way.alone = true;
        co_return co_await resubmitter_.forward(mail, recipient, std::move(way));
    }
    // RFC 5321 section 4.5.1: these exist everywhere; a bounce about them would only go around.
    const std::string plain = without_extension(name);
    if (iequals(plain, "postmaster") || iequals(plain, "mailer-daemon")) {
        log_warning("required alias not found: " + plain);
        co_return Outcome::good(ipc::Outcome::delivered, "discarded");
    }
    co_return unknown(name);
}

Addressee Deliverer::as_target(Addressee recipient, const ipc::AliasTarget& target) const {
    if (!settings_.frozen_delivered_to() && !target.via.empty() && target.via.front() != ':')
        recipient.delivered_to = target.via + "@" + smtp::split_internal(recipient.address).domain;
    return recipient;
}

/// A local user whom an alias or ~/.forward names.
Task<Outcome> Deliverer::to_member(const Mail& mail, Addressee recipient,
                                   const ipc::AliasTarget& target) {
    recipient = as_target(std::move(recipient), target);
    recipient.address =
        to_lower(target.value) + "@" + smtp::split_internal(recipient.address).domain;
    std::string name;
    auto user = co_await find_local(recipient.address, name);
    if (!user) co_return Outcome::bad(user.error());
    // Some targets may have their copy from an earlier attempt.
    Once once;
    once.id = mail.id + "-" + std::to_string(recipient.index) + "-" + name;
    once.repeated = true;
    if (target.kind == ipc::AliasKind::account)
        co_return co_await to_user_or_forward(mail, recipient, *user, std::move(name),
                                              std::move(once));
    co_return co_await to_mailbox(mail, recipient, *user, std::move(name), std::move(once));
}

Task<Outcome> Deliverer::to_target(const Mail& mail, const Addressee& recipient,
                                   const ipc::AliasTarget& target, const Result<Account>& account) {
    if (!account) co_return Outcome::bad(account.error());
    const Addressee to = as_target(recipient, target);
    if (target.kind == ipc::AliasKind::command)
        co_return co_await local_.to_command(mail, to, *account, target.value);
    co_return co_await local_.to_file(mail, to, *account, target.value);
}

/// Mailboxes first, for they take a message once only; then files and commands, which cannot tell a
/// repeated one; and last what becomes another message.
Task<Outcome> Deliverer::to_targets(const Mail& mail, const Addressee& recipient,
                                    std::vector<ipc::AliasTarget> targets, Result<Account> account,
                                    std::string part) {
    using Kind = ipc::AliasKind;
    Outcome sum = Outcome::good(ipc::Outcome::expanded, "forwarded");
    const bool alone = targets.size() == 1;
    for (const ipc::AliasTarget& target : targets) {
        if (target.kind != Kind::user && target.kind != Kind::account) continue;
        Outcome outcome = co_await to_member(mail, recipient, target);
        if (alone) co_return outcome;
        outcome.dsn_passed_on = false;
        sum.merge(std::move(outcome));
    }
    std::vector<ipc::AliasTarget> addresses;
    for (ipc::AliasTarget& target : targets) {
        if (sum.outcome == ipc::Outcome::deferred) co_return sum;
        if (target.kind == Kind::address) addresses.push_back(std::move(target));
        if (target.kind != Kind::command && target.kind != Kind::file) continue;
        sum.merge(co_await to_target(mail, recipient, target, account));
    }
    if (addresses.empty() || sum.outcome == ipc::Outcome::deferred) co_return sum;
    Outcome forwarded =
        co_await to_addresses(mail, recipient, std::move(addresses), std::move(part));
    if (alone) co_return forwarded;
    forwarded.dsn_passed_on = false;
    if (forwarded.is_good() && sum.outcome == ipc::Outcome::expanded) sum.text = forwarded.text;
    sum.merge(std::move(forwarded));
    co_return sum;
}

/// One message for each owner, and for each Delivered-To:.
Task<Outcome> Deliverer::to_addresses(const Mail& mail, const Addressee& recipient,
                                      std::vector<ipc::AliasTarget> targets, std::string part) {
    std::map<std::pair<std::string, std::string>, std::vector<ipc::AliasTarget>> groups;
    const bool alone = targets.size() == 1;
    for (ipc::AliasTarget& target : targets) {
        std::string via = as_target(recipient, target).delivered_to;
        groups[{target.owner, std::move(via)}].push_back(std::move(target));
    }
    Outcome sum = Outcome::good(ipc::Outcome::expanded, "forwarded");
    for (auto& [group, members] : groups) {
        Resubmitter::Forward way;
        way.owner = group.first;
        way.alone = alone;
        way.part = part;
        if (groups.size() > 1) way.part += "/" + group.first + "/" + group.second;
        for (ipc::AliasTarget& member : members)
            way.addresses.push_back(std::move(member.value));
        const Addressee to = as_target(recipient, members.front());
        Outcome outcome = co_await resubmitter_.forward(mail, to, std::move(way));
        if (groups.size() == 1) co_return outcome;
        if (outcome.is_good()) sum.text = outcome.text;
        sum.merge(std::move(outcome));
    }
    co_return sum;
}

}  // namespace facteur::lmtp_local
