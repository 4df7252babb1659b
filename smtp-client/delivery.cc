#include "smtp-client/delivery.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/loop.h"
#include "lib/net/socket.h"
#include "lib/smtp/address.h"
#include "lib/spool/delays.h"

namespace facteur::smtp_client {

Delivery::Delivery(Surroundings& surroundings, ipc::Job job, Fd content, Progress progress)
    : around_(surroundings),
      job_(std::move(job)),
      content_(std::move(content), job_.offset, job_.size),
      progress_(std::move(progress)),
      latest_(job_.recipients.size()),
      started_(spool::wall_clock()),
      connected_(started_) {
    for (std::size_t i = 0; i < job_.recipients.size(); ++i) {
        pending_.push_back(i);
        latest_[i].index = job_.recipients[i].index;
    }
    report_.job = job_.job;
    report_.queue_id = job_.queue_id;
}

Task<ipc::JobReport> Delivery::run() {
    std::vector<std::string> nexthops;
    for (std::string_view one : words(job_.nexthop))
        nexthops.emplace_back(one);
    if (around_.protocol == Protocol::smtp) {
        const auto& more = around_.settings.fallback_relay();
        nexthops.insert(nexthops.end(), more.begin(), more.end());
    }
    if (nexthops.empty()) nexthops.emplace_back();
    for (const std::string& nexthop : nexthops) {
        if (!done()) co_await try_nexthop(nexthop);
    }
    settle_rest();
    report_.results = std::move(fresh_);
    report_.complete = true;
    report_.nexthop_failed = !reached_;
    co_return std::move(report_);
}

Task<void> Delivery::try_nexthop(std::string text) {
    answered_.reset();
    // A connection that is open already answers all questions of this function.
    bool served = co_await try_cached(text);
    if (served) co_return;
    constexpr std::uint16_t kSmtpPort = 25;
    auto lmtp_port = parse_number(around_.settings.lmtp_port());
    bool lmtp = around_.protocol == Protocol::lmtp;
    auto port = lmtp ? static_cast<std::uint16_t>(lmtp_port.value_or(24)) : kSmtpPort;
    Result<Nexthop> nexthop = Nexthop::parse(text, around_.protocol, port);
    if (!nexthop) {
        trouble_for_all(unreached(nexthop.error()), "none");
        co_return;
    }
    auto targets = co_await find_targets(around_.routing, around_.scope, *nexthop);
    if (!targets) {
        trouble_for_all(unreached(targets.error()), "none");
        co_return;
    }
    Result<Manner> manner = co_await manner_for(text, *nexthop);
    if (!manner) {
        trouble_for_all(unreached(manner.error()), "none");
        co_return;
    }
    auto most = static_cast<std::size_t>(around_.settings.mx_address_limit());
    if (most > 0 && targets->size() > most) targets->resize(most);
    int most_sessions = around_.settings.mx_session_limit();
    sessions_ = answered_ ? 1 : 0;
    for (const Target& target : *targets) {
        if (answered_ && target.address == *answered_) continue;
        if (done() || (most_sessions > 0 && sessions_ >= most_sessions)) break;
        co_await try_target(text, target, *manner);
    }
}

/// True when nothing is left to do with this next hop.
Task<bool> Delivery::try_cached(const std::string& nexthop) {
    auto conversation = around_.cache.take(nexthop);
    if (!conversation) co_return false;
    connected_ = spool::wall_clock();
    co_await session(nexthop, std::move(conversation));
    co_return done();
}

Task<Result<Manner>> Delivery::manner_for(std::string nexthop, Nexthop parsed) {
    Manner manner;
    manner.protocol = around_.protocol;
    manner.nexthop_host = parsed.host;
    CO_TRY(manner.tls, co_await around_.security.of_nexthop(nexthop));
    co_return manner;
}

Task<void> Delivery::try_target(const std::string& nexthop, Target target, Manner manner) {
    auto login = co_await around_.logins.find(job_.sender, nexthop, target.name);
    if (!login) {
        trouble_for_all(unreached(login.error()), "none");
        co_return;
    }
    manner.login = *std::move(login);
    auto tls = co_await around_.security.of_target(manner.tls, target);
    if (!tls) {
        trouble_for_all(unreached(tls.error()), "none");
        co_return;
    }
    manner.tls = *std::move(tls);
    for (bool plain : {false, true}) {
        auto conversation = co_await connect(target, manner);
        if (!conversation) co_return;
        Attempt opened = co_await conversation->open(around_.tls, plain);
        if (opened) {
            ++sessions_;
            connected_ = spool::wall_clock();
            co_await session(nexthop, std::move(conversation));
            co_return;
        }
        conversation->quit();
        trouble_for_all(opened.error(), target.relay());
        // RFC 7435 section 3: encryption that fails is not worse than none, where none is allowed.
        if (!opened.error().tls || manner.tls.level != TlsLevel::may) co_return;
    }
}

Task<std::unique_ptr<Conversation>> Delivery::connect(Target target, Manner manner) {
    Milliseconds budget = around_.settings.timeouts.connect();
    bool ipv6 = target.address.family() == Address::Family::ipv6;
    Address from = ipv6 ? around_.bind6 : around_.bind4;
    TimePoint deadline = Loop::current().now() + budget;
    Result<Fd> socket = co_await connect_to(around_.scope, target.address, deadline, from);
    if (!socket) {
        const std::string& text = socket.error().text;
        Trouble trouble;
        trouble.status = "4.4.1";
        trouble.text =
            "connect to " + target.relay() + text.substr(std::min(text.size(), text.rfind(": ")));
        log_info(trouble.text);
        trouble_for_all(trouble, "none");
        co_return nullptr;
    }
    auto stream = std::make_unique<Stream>(around_.scope, *std::move(socket));
    co_return std::make_unique<Conversation>(around_.settings, std::move(target), std::move(manner),
                                             std::move(stream));
}

Task<void> Delivery::session(const std::string& nexthop,
                             std::unique_ptr<Conversation> conversation) {
    if (around_.heard) co_await around_.heard();
    Envelope envelope;
    envelope.job = &job_;
    envelope.content = &content_;
    for (std::size_t i : pending_)
        envelope.recipients.push_back(&job_.recipients[i]);
    std::vector<Verdict> verdicts = co_await conversation->deliver(std::move(envelope));
    connection_use_ = conversation->messages();
    apply(*conversation, std::move(verdicts));
    keep(nexthop, std::move(conversation));
    if (!done() && !fresh_.empty() && progress_) {
        progress_(std::move(fresh_));
        fresh_.clear();
    }
}

void Delivery::apply(const Conversation& conversation, std::vector<Verdict> verdicts) {
    std::vector<std::size_t> asked = pending_;
    for (std::size_t k = 0; k < asked.size(); ++k) {
        const Verdict& verdict = verdicts[k];
        if (verdict.kind != Verdict::Kind::unsettled) {
            reached_ = true;
            answered_ = conversation.target().address;
        }
        ipc::RecipientResult result;
        result.index = job_.recipients[asked[k]].index;
        result.relay = conversation.target().relay();
        if (verdict.kind == Verdict::Kind::accepted) {
            result.outcome = ipc::Outcome::delivered;
            result.status = verdict.reply.status.empty() ? "2.0.0" : verdict.reply.status;
            result.text = smtp::to_line(verdict.reply);
            result.remote_mta = "dns; " + conversation.target().name;
            result.diagnostic = "smtp; " + result.text;
            result.dsn_passed_on = conversation.dsn_offered();
            // LMTP answers for the mailbox itself (RFC 2033 section 4.2).
            const bool lmtp = conversation.manner().protocol == Protocol::lmtp;
            result.handed_on = !result.dsn_passed_on && !lmtp;
            settle(asked[k], std::move(result));
            continue;
        }
        result.status = verdict.trouble.status;
        result.text = verdict.trouble.text;
        result.remote_mta = verdict.trouble.remote_mta;
        result.diagnostic = verdict.trouble.diagnostic;
        bool permanent = verdict.trouble.permanent && verdict.kind == Verdict::Kind::refused;
        result.outcome = permanent ? ipc::Outcome::failed : ipc::Outcome::deferred;
        // What was lost at the final dot may have arrived: trying the next server at once would
        // make a second copy likely.
        if (permanent || verdict.ambiguous) {
            settle(asked[k], std::move(result));
        } else {
            latest_[asked[k]] = std::move(result);
        }
    }
}

void Delivery::keep(const std::string& nexthop, std::unique_ptr<Conversation> conversation) {
    const Settings& settings = around_.settings;
    int most = settings.reuse_count();
    auto age = Loop::current().now() - conversation->opened();
    bool good = !job_.verify && conversation->usable() && settings.cache_connections() && done() &&
                !settings.sasl.by_sender() && settings.cache_time().count() > 0 &&
                age < settings.reuse_time() && (most == 0 || conversation->messages() < most);
    if (good) {
        around_.cache.put(nexthop, std::move(conversation));
    } else {
        conversation->quit();
    }
}

void Delivery::trouble_for_all(const Trouble& trouble, const std::string& relay) {
    for (std::size_t i : pending_) {
        ipc::RecipientResult& result = latest_[i];
        result.outcome = trouble.permanent ? ipc::Outcome::failed : ipc::Outcome::deferred;
        result.status = trouble.status;
        result.text = trouble.text;
        result.remote_mta = trouble.remote_mta;
        result.diagnostic = trouble.diagnostic;
        result.relay = relay;
    }
}

void Delivery::settle(std::size_t recipient, ipc::RecipientResult result) {
    log(job_.recipients[recipient], result);
    std::erase(pending_, recipient);
    fresh_.push_back(std::move(result));
}

void Delivery::settle_rest() {
    for (std::size_t i : std::vector<std::size_t>(pending_)) {
        if (latest_[i].text.empty()) {
            latest_[i].status = "4.4.1";
            latest_[i].text = "no server to try";
        }
        settle(i, std::move(latest_[i]));
    }
}

void Delivery::log(const ipc::JobRecipient& recipient, const ipc::RecipientResult& result) const {
    const char* status = result.outcome == ipc::Outcome::delivered ? "sent"
                         : result.outcome == ipc::Outcome::failed  ? "bounced"
                                                                   : "deferred";
    if (job_.verify) {
        status = result.outcome == ipc::Outcome::delivered ? "deliverable" : "undeliverable";
    }
    std::string original;
    if (!recipient.original.empty() && !iequals(recipient.original, recipient.address)) {
        original = "orig_to=<" + smtp::to_external(recipient.original) + ">, ";
    }
    std::string use;
    if (connection_use_ > 1 && result.relay != "none")
        use = fmt::format("conn_use={}, ", connection_use_);
    log_info(fmt::format("{}: to=<{}>, {}relay={}, {}{}, dsn={}, status={} ({})", job_.queue_id,
                         smtp::to_external(recipient.address), original,
                         result.relay.empty() ? "none" : result.relay, use,
                         spool::delays_text(job_, started_, connected_), result.status, status,
                         result.text));
}

}  // namespace facteur::smtp_client
