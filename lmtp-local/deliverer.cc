#include "lmtp-local/deliverer.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/ipc/ways/queue.h"
#include "lib/smtp/address.h"
#include "lib/spool/delays.h"
#include "lmtp-local/forwarding.h"

namespace facteur::lmtp_local {
namespace {

/// A message that came while our predecessor ended may have been in its hands, and clocks step.
constexpr std::int64_t kDoubt = 10'000'000;

Outcome good(ipc::Outcome outcome, std::string text) {
    return Outcome{outcome, "2.0.0", std::move(text), {}};
}

Outcome bad(const Error& error) {
    return Outcome{error.is_temporary() ? ipc::Outcome::deferred : ipc::Outcome::failed,
                   error.status,
                   error.text,
                   {}};
}

Outcome failed(std::string text, std::string status) {
    return Outcome{ipc::Outcome::failed, std::move(status), std::move(text), {}};
}

Outcome deferred(std::string text, std::string status) {
    return Outcome{ipc::Outcome::deferred, std::move(status), std::move(text), {}};
}

}  // namespace

std::string delivery_prefix(const Mail& mail, const ipc::JobRecipient& recipient) {
    const std::string& original =
        recipient.original.empty() ? recipient.address : recipient.original;
    return "Return-Path: <" + smtp::to_external(mail.sender) + ">\r\n" +
           "X-Original-To: " + smtp::to_external(original) + "\r\n" +
           "Delivered-To: " + smtp::to_external(recipient.address) + "\r\n" + mail.trace;
}

Deliverer::Deliverer(Scope& scope, WorkerPool& workers, const Settings& settings, Flusher& flusher)
    : users_(scope, workers, settings.myhostname(),
             static_cast<std::size_t>(settings.user_cache())),
      addressd_(scope, "private/address"),
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
    if (!message.content) co_return deferred("out of descriptors", "4.3.0");
    message.content_offset = mail.offset;
    message.content_size = mail.size;
    message.prefix = delivery_prefix(mail, recipient);
    message.durability = mail.durable ? store::Durability::now : store::Durability::later;
    message.delivery_id = std::move(delivery_id);
    const std::int64_t doubtful = std::max(started_, flusher_.failed_at()) + kDoubt;
    message.maybe_delivered = repeated || mail.arrival < doubtful;
    auto appended = co_await user->store->append("INBOX", std::move(message));
    if (!appended) co_return bad(appended.error());
    if (mail.durable) co_return good(ipc::Outcome::delivered, "delivered to maildir");
    Outcome outcome = good(ipc::Outcome::written, "delivered to maildir");
    outcome.domains.insert(flusher_.touched(user));
    co_return outcome;
}

Task<Outcome> Deliverer::to_virtual(const Mail& mail, ipc::JobRecipient recipient) {
    auto user = co_await find(recipient.address);
    if (!user) co_return bad(user.error());
    if (!*user) co_return failed("unknown user: \"" + recipient.address + "\"", "5.1.1");
    std::string id = mail.id + "-" + std::to_string(recipient.index);
    co_return co_await to_user(mail, recipient, *user, std::move(id), false);
}

Task<bool> Deliverer::loops(const Mail& mail, std::string address) {
    std::function<bool()> look = [&mail, &address] {
        return was_delivered_to(mail.content.get(), mail.offset, mail.size, address);
    };
    co_return co_await workers_.run<bool>(std::move(look));
}

Task<Outcome> Deliverer::to_local(const Mail& mail, ipc::JobRecipient recipient) {
    recipient.address = to_lower(recipient.address);
    const bool has_been_here = co_await loops(mail, recipient.address);
    if (has_been_here) co_return failed("mail forwarding loop for " + recipient.address, "5.4.6");
    smtp::Mailbox mailbox = smtp::split_internal(recipient.address);
    ipc::Alias question;
    question.name = mailbox.local;
    auto alias = co_await addressd_.call(std::move(question));
    if (!alias) co_return bad(alias.error());
    if (alias->message.found) {
        co_return co_await to_targets(mail, recipient, std::move(alias->message.targets),
                                      std::move(alias->message.owner));
    }
    std::string name = mailbox.local;
    auto user = co_await users_.find(name);
    if (user && !*user) {
        name = without_extension(mailbox.local);
        user = co_await users_.find(name);
    }
    if (user && !*user) user = co_await find(recipient.address);  // users with a domain
    if (!user) co_return bad(user.error());
    if (!*user) co_return failed("unknown user: \"" + name + "\"", "5.1.1");
    co_return co_await to_user_or_forward(mail, recipient, *user, name);
}

Task<Outcome> Deliverer::to_user_or_forward(const Mail& mail, const ipc::JobRecipient& recipient,
                                            std::shared_ptr<User> user, std::string name) {
    std::vector<ipc::AliasTarget> targets;
    if (settings_.forward_files()) targets = co_await forward_file(user);
    if (targets.empty()) {
        std::string id = mail.id + "-" + std::to_string(recipient.index);
        co_return co_await to_user(mail, recipient, user, std::move(id), false);
    }
    // "\name", or one's own name: the mailbox, not another look at ~/.forward.
    for (ipc::AliasTarget& target : targets) {
        bool own = target.kind == ipc::AliasKind::address && iequals(target.value, name);
        if (own) target.kind = ipc::AliasKind::user;
        if (target.kind == ipc::AliasKind::user) target.value = user->name;
    }
    co_return co_await to_targets(mail, recipient, std::move(targets), std::string());
}

Task<Outcome> Deliverer::to_targets(const Mail& mail, const ipc::JobRecipient& recipient,
                                    std::vector<ipc::AliasTarget> targets, std::string owner) {
    std::vector<std::string> addresses;
    Outcome worst = good(ipc::Outcome::expanded, "forwarded");
    std::set<std::uint64_t> domains;
    for (ipc::AliasTarget& target : targets) {
        Outcome outcome = worst;
        if (target.kind == ipc::AliasKind::address) {
            addresses.push_back(std::move(target.value));
            continue;
        }
        if (target.kind == ipc::AliasKind::user) {
            auto user = co_await users_.find(target.value);
            if (!user) {
                outcome = bad(user.error());
            } else if (!*user) {
                outcome = failed("unknown user: \"" + target.value + "\"", "5.1.1");
            } else {
                // Some targets may have their copy from an earlier attempt.
                std::string id =
                    mail.id + "-" + std::to_string(recipient.index) + "-" + target.value;
                outcome = co_await to_user(mail, recipient, *user, std::move(id), true);
            }
        } else {
            // Deferred, not bounced: the administrator sees it and can change the alias.
            outcome = deferred(
                "delivery to commands and files is not supported: " + printable(target.value),
                "4.3.5");
        }
        domains.merge(outcome.domains);
        bool worse = worst.is_good() || outcome.outcome == ipc::Outcome::deferred;
        if (worse && worst.outcome != ipc::Outcome::deferred) worst = std::move(outcome);
    }
    if (!addresses.empty() && worst.outcome != ipc::Outcome::deferred) {
        std::string sender = owner.empty() ? mail.sender : owner;
        Outcome outcome =
            co_await forward(mail, recipient, std::move(addresses), std::move(sender));
        if (!outcome.is_good() || worst.outcome == ipc::Outcome::expanded)
            worst = std::move(outcome);
    }
    worst.domains = std::move(domains);
    co_return worst;
}

Task<std::vector<ipc::AliasTarget>> Deliverer::forward_file(std::shared_ptr<User> user) {
    std::function<std::vector<ipc::AliasTarget>()> read = [user] {
        return read_forward_file(user->home, user->uid, user->gid);
    };
    co_return co_await workers_.run<std::vector<ipc::AliasTarget>>(std::move(read));
}

Task<Outcome> Deliverer::forward(const Mail& mail, const ipc::JobRecipient& recipient,
                                 std::vector<std::string> addresses, std::string sender) {
    std::string fields = "Delivered-To: " + smtp::to_external(recipient.address) + "\r\n";
    std::function<Result<Fd>()> copy = [&mail, &fields] {
        return prefixed_copy(mail.content.get(), mail.offset, mail.size, fields);
    };
    auto content = co_await workers_.run<Result<Fd>>(std::move(copy));
    if (!content) co_return bad(content.error());
    ipc::Submit submit;
    submit.queue_id = forwarded_id(mail.id, recipient.index);
    submit.sender = std::move(sender);
    for (std::string& address : addresses) {
        ipc::SubmitRecipient to;
        to.address = std::move(address);
        // An alias or ~/.forward without a domain means somebody here.
        if (to.address.find('@') == std::string::npos) to.address += "@" + settings_.myorigin();
        to.original = recipient.original;
        submit.recipients.push_back(std::move(to));
    }
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
    if (!answer) co_return bad(answer.error());
    co_return good(ipc::Outcome::expanded, "forwarded as " + id);
}

}  // namespace facteur::lmtp_local
