#include "lmtp-local/deliverer.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/ipc/ways/queue.h"
#include "lib/smtp/address.h"
#include "lib/spool/delays.h"
#include "lib/spool/envelope.h"
#include "lmtp-local/forwarding.h"

namespace facteur::lmtp_local {
namespace {

/// A message that came while our predecessor ended may have been in its hands, and clocks step.
constexpr std::int64_t kDoubt = 10'000'000;

/// RFC 3461 section 5.2.7: who takes the place of a recipient reports for it; of several, only
/// that there are several is a success.
void take_requests(ipc::SubmitRecipient& to, const ipc::JobRecipient& from, bool alone) {
    to.orcpt = from.orcpt;
    to.notify = from.notify;
    if (alone || !(to.notify & spool::notify_success)) return;
    to.notify = static_cast<std::uint8_t>(to.notify & ~unsigned{spool::notify_success});
    if (to.notify == 0) to.notify = spool::notify_never;
}

}  // namespace

Deliverer::Deliverer(Scope& scope, WorkerPool& workers, const Settings& settings, Flusher& flusher,
                     Hands& hands)
    : users_(scope, workers, hands, settings.myhostname(),
             static_cast<std::size_t>(settings.user_cache())),
      addressd_(scope, "private/address"),
      local_(settings, hands, addressd_),
      queue_(scope, "private/queue"),
      workers_(workers),
      settings_(settings),
      flusher_(flusher),
      started_(spool::wall_clock()) {}

std::string Deliverer::without_extension(const std::string& local) const {
    std::size_t at = local.find_first_of(settings_.recipient_delimiter());
    // Postfix never splits at the start, and these names are not "owner" and "list" with a detail.
    if (at == 0 || at == std::string::npos) return local;
    if (iequals(local, "mailer-daemon") || iequals(local, "double-bounce")) return local;
    if (istarts_with(local, "owner-") || iends_with(local, "-request")) return local;
    return local.substr(0, at);
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

Task<Outcome> Deliverer::to_user(const Mail& mail, const ipc::JobRecipient& recipient,
                                 std::shared_ptr<User> user, std::string delivery_id,
                                 bool repeated) {
    store::NewMessage message;
    message.content = mail.content.duplicate();
    if (!message.content) co_return Outcome::deferred("out of descriptors", "4.3.0");
    message.content_offset = mail.offset;
    message.content_size = mail.size;
    message.prefix = delivery_prefix(mail, recipient);
    message.durability = mail.durable ? store::Durability::now : store::Durability::later;
    message.delivery_id = std::move(delivery_id);
    const std::int64_t doubtful = std::max(started_, flusher_.failed_at()) + kDoubt;
    message.maybe_delivered = repeated || mail.arrival < doubtful;
    auto appended = co_await user->box->append(std::move(message));
    if (!appended) co_return Outcome::bad(appended.error());
    if (mail.durable) co_return Outcome::good(ipc::Outcome::delivered, "delivered to maildir");
    Outcome outcome = Outcome::good(ipc::Outcome::written, "delivered to maildir");
    outcome.domains.insert(flusher_.touched(user));
    co_return outcome;
}

Task<Outcome> Deliverer::to_virtual(const Mail& mail, ipc::JobRecipient recipient) {
    auto user = co_await find(recipient.address);
    if (!user) co_return Outcome::bad(user.error());
    if (!*user) co_return Outcome::failed("unknown user: \"" + recipient.address + "\"", "5.1.1");
    std::string id = mail.id + "-" + std::to_string(recipient.index);
    co_return co_await to_user(mail, recipient, *user, std::move(id), false);
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
    std::string name = address;
    Result<std::shared_ptr<User>> user = std::shared_ptr<User>();
    if (local) {
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
        user = co_await find_local(address, name);
    } else {
        user = co_await find(address);
    }
    if (!user) co_return Outcome::bad(user.error());
    if (!*user) co_return Outcome::failed("unknown user: \"" + name + "\"", "5.1.1");
    co_return Outcome::good(ipc::Outcome::delivered, "delivers to mailbox");
}

Task<Outcome> Deliverer::to_local(const Mail& mail, ipc::JobRecipient recipient) {
    recipient.address = to_lower(recipient.address);
    const bool has_been_here = co_await loops(mail, recipient.address);
    if (has_been_here)
        co_return Outcome::failed("mail forwarding loop for " + recipient.address, "5.4.6");
    smtp::Mailbox mailbox = smtp::split_internal(recipient.address);
    ipc::Alias question;
    question.name = mailbox.local;
    auto alias = co_await addressd_.call(std::move(question));
    if (!alias) co_return Outcome::bad(alias.error());
    if (alias->message.found) {
        co_return co_await to_targets(mail, recipient, std::move(alias->message.targets),
                                      std::move(alias->message.owner), local_.account_of_aliases());
    }
    std::string name;
    auto user = co_await find_local(recipient.address, name);
    if (!user) co_return Outcome::bad(user.error());
    if (!*user) co_return Outcome::failed("unknown user: \"" + name + "\"", "5.1.1");
    co_return co_await to_user_or_forward(mail, recipient, *user, name);
}

Task<Outcome> Deliverer::to_user_or_forward(const Mail& mail, const ipc::JobRecipient& recipient,
                                            std::shared_ptr<User> user, std::string name) {
    auto targets = co_await local_.forward_file(recipient, *user);
    if (!targets) co_return Outcome::bad(targets.error());
    // local(8): an empty ~/.forward means not to forward.
    if (!*targets || (*targets)->empty()) {
        std::string id = mail.id + "-" + std::to_string(recipient.index);
        co_return co_await to_mailbox(mail, recipient, user, std::move(id), false);
    }
    // "\\name", or one's own name: the mailbox, not another look at ~/.forward.
    for (ipc::AliasTarget& target : **targets) {
        bool own = target.kind == ipc::AliasKind::address && iequals(target.value, name);
        if (own) target.kind = ipc::AliasKind::user;
        if (target.kind == ipc::AliasKind::user && iequals(target.value, name))
            target.value = user->name;
    }
    Result<Account> account = local_.account_of(*user);
    co_return co_await to_targets(mail, recipient, **std::move(targets), std::string(),
                                  std::move(account));
}

Task<Outcome> Deliverer::to_mailbox(const Mail& mail, const ipc::JobRecipient& recipient,
                                    std::shared_ptr<User> user, std::string delivery_id,
                                    bool repeated) {
    auto elsewhere = co_await local_.to_mailbox(mail, recipient, *user);
    if (elsewhere) co_return *std::move(elsewhere);
    co_return co_await to_user(mail, recipient, user, std::move(delivery_id), repeated);
}

Task<Outcome> Deliverer::to_named_user(const Mail& mail, const ipc::JobRecipient& recipient,
                                       std::string name) {
    auto user = co_await users_.find(name);
    if (!user) co_return Outcome::bad(user.error());
    if (!*user) co_return Outcome::failed("unknown user: \"" + name + "\"", "5.1.1");
    // Some targets may have their copy from an earlier attempt.
    std::string id = mail.id + "-" + std::to_string(recipient.index) + "-" + name;
    co_return co_await to_mailbox(mail, recipient, *user, std::move(id), true);
}

/// Mailboxes first, for they take a message once only; then files and commands, which cannot tell a
/// repeated one; and last what becomes another message.
Task<Outcome> Deliverer::to_targets(const Mail& mail, const ipc::JobRecipient& recipient,
                                    std::vector<ipc::AliasTarget> targets, std::string owner,
                                    Result<Account> account) {
    using Kind = ipc::AliasKind;
    Outcome sum = Outcome::good(ipc::Outcome::expanded, "forwarded");
    for (const ipc::AliasTarget& target : targets) {
        if (target.kind != Kind::user) continue;
        sum.merge(co_await to_named_user(mail, recipient, target.value));
    }
    std::vector<std::string> addresses;
    for (ipc::AliasTarget& target : targets) {
        if (sum.outcome == ipc::Outcome::deferred) co_return sum;
        if (target.kind == Kind::address) addresses.push_back(std::move(target.value));
        if (target.kind != Kind::command && target.kind != Kind::file) continue;
        if (!account) {
            sum.merge(Outcome::bad(account.error()));
        } else if (target.kind == Kind::command) {
            sum.merge(co_await local_.to_command(mail, recipient, *account, target.value));
        } else {
            sum.merge(co_await local_.to_file(mail, recipient, *account, target.value));
        }
    }
    if (addresses.empty() || sum.outcome == ipc::Outcome::deferred) co_return sum;
    std::string sender = owner.empty() ? mail.sender : owner;
    const bool alone = targets.size() == 1;
    Outcome forwarded =
        co_await forward(mail, recipient, std::move(addresses), std::move(sender), alone);
    if (alone) co_return forwarded;
    if (forwarded.is_good() && sum.outcome == ipc::Outcome::expanded) sum.text = forwarded.text;
    sum.merge(std::move(forwarded));
    co_return sum;
}

Task<Outcome> Deliverer::forward(const Mail& mail, const ipc::JobRecipient& recipient,
                                 std::vector<std::string> addresses, std::string sender,
                                 bool alone) {
    // RFC 3461 section 5.2.7.3: a list's mail is a new message, its failures are its owner's.
    const bool list = sender != mail.sender;
    std::string fields = "Delivered-To: " + smtp::to_external(recipient.address) + "\r\n";
    std::function<Result<Fd>()> copy = [&mail, &fields] {
        return prefixed_copy(mail.content.get(), mail.offset, mail.size, fields);
    };
    auto content = co_await workers_.run<Result<Fd>>(std::move(copy));
    if (!content) co_return Outcome::bad(content.error());
    ipc::Submit submit;
    submit.queue_id = forwarded_id(mail.id, recipient.index);
    submit.sender = std::move(sender);
    for (std::string& address : addresses) {
        ipc::SubmitRecipient to;
        to.address = std::move(address);
        // An alias or ~/.forward without a domain means somebody here.
        if (to.address.find('@') == std::string::npos) to.address += "@" + settings_.myorigin();
        to.original = recipient.original;
        if (!list) take_requests(to, recipient, alone);
        submit.recipients.push_back(std::move(to));
    }
    if (!list) {
        submit.ret = mail.ret;
        submit.envid = mail.envid;
    }
    submit.priority = mail.priority;
    submit.by_mode = mail.by_mode;
    submit.by_trace = mail.by_trace;
    submit.deliver_by = mail.deliver_by;
    submit.requiretls = mail.requiretls;
    submit.tls_optional = mail.tls_optional;
    submit.arrival = mail.arrival;
    submit.size = mail.size + fields.size();
    submit.body = mail.body;
    submit.smtputf8 = mail.smtputf8;
    submit.protocol = "local";
    submit.login = mail.login;
    std::string id = submit.queue_id;
    std::vector<Fd> fds;
    fds.push_back(*std::move(content));
    auto answer = co_await queue_.call(std::move(submit), std::move(fds));
    if (!answer) co_return Outcome::bad(answer.error());
    Outcome outcome = Outcome::good(ipc::Outcome::expanded, "forwarded as " + id);
    outcome.dsn_passed_on = alone && !list;
    co_return outcome;
}

}  // namespace facteur::lmtp_local
