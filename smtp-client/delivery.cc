#include "smtp-client/delivery.h"

#include <algorithm>
#include <set>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/loop.h"
#include "lib/spool/delays.h"

namespace facteur::smtp_client {

Delivery::Delivery(Surroundings& surroundings, ipc::Job job, Fd content, Progress progress)
    : around_(surroundings),
      job_(std::move(job)),
      content_(std::move(content), job_.offset, job_.size),
      progress_(std::move(progress)),
      latest_(job_.recipients.size()),
      dial_(around_.dial),
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
    if (nexthops.empty()) nexthops.emplace_back();
    Result<void> bound = co_await choose_source();
    if (!bound) trouble_for_all(unreached(bound.error()), "none");
    for (const std::string& nexthop : nexthops) {
        if (bound && !done()) co_await try_nexthop(nexthop);
    }
    // A backup MX host that passed mail on to its fallback relay might get it back from there.
    const bool may_fall_back = bound && around_.protocol == Protocol::smtp && !self_is_mx_;
    for (const std::string& nexthop : around_.settings.fallback_relay()) {
        if (may_fall_back && !done()) co_await try_nexthop(nexthop);
    }
    settle_rest();
    co_await tell_settled();
    report_.results = std::move(fresh_);
    report_.complete = true;
    report_.nexthop_failed = !reached_;
    co_return std::move(report_);
}

/// smtp_socks_password_maps, and smtp_sender_bind_address_maps: the addresses that this sender's
/// mail leaves from.
Task<Result<void>> Delivery::choose_source() {
    if (dial_.proxy.is_ip()) {
        CO_TRY(auto login, co_await around_.lookups.find(around_.settings.socks_password_maps(),
                                                         ipc::LookupKey::exact,
                                                         around_.settings.socks_proxy()));
        std::size_t colon = login ? login->find(':') : std::string::npos;
        if (colon != std::string::npos)
            dial_.proxy_login = socks::Login{login->substr(0, colon), login->substr(colon + 1)};
    }
    const auto& maps = around_.settings.sender_bind_maps();
    if (maps.empty() || job_.sender.empty()) co_return Result<void>();
    CO_TRY(auto found, co_await around_.lookups.find(maps, ipc::LookupKey::address, job_.sender));
    if (!found) co_return Result<void>();
    for (std::string_view word : words(*found)) {
        auto address = Address::from_ip(word);
        if (!address)
            co_return temporary("bad address in smtp_sender_bind_address_maps: " + printable(word),
                                "4.3.5");
        bool six = address->family() == Address::Family::ipv6;
        (six ? dial_.bind6 : dial_.bind4) = *address;
        source_ += " " + address->ip();
    }
    co_return Result<void>();
}

Task<void> Delivery::try_nexthop(std::string text) {
    answered_.reset();
    // A connection that is open already answers all questions of this function.
    bool served = co_await try_cached(text);
    if (served) co_return;
    auto lmtp_port = port_number(around_.settings.lmtp_port());
    auto smtp_port = port_number(around_.settings.smtp_port());
    bool lmtp = around_.protocol == Protocol::lmtp;
    auto port = lmtp ? lmtp_port.value_or(24) : smtp_port.value_or(25);
    Result<Nexthop> nexthop = Nexthop::parse(text, around_.protocol, port);
    if (!nexthop) {
        trouble_for_all(unreached(nexthop.error()), "none");
        co_return;
    }
    auto servers = co_await find_targets(around_.routing, around_.scope, *nexthop);
    if (!servers) {
        trouble_for_all(unreached(servers.error()), "none");
        co_return;
    }
    self_is_mx_ = self_is_mx_ || servers->self_is_mx;
    Result<Manner> manner = co_await manner_for(text, *nexthop);
    if (!manner) {
        trouble_for_all(unreached(manner.error()), "none");
        co_return;
    }
    int most_sessions = around_.settings.mx_session_limit();
    sessions_ = answered_ ? 1 : 0;
    left_ = std::move(servers->targets);
    if (answered_)
        std::erase_if(left_, [&](const Target& one) { return one.address == *answered_; });
    while (!left_.empty() && !done() && (most_sessions == 0 || sessions_ < most_sessions))
        co_await try_targets(text, *manner);
}

/// True when nothing is left to do with this next hop.
Task<bool> Delivery::try_cached(const std::string& nexthop) {
    auto conversation = around_.cache.take(nexthop + source_);
    if (!conversation) co_return false;
    connected_ = spool::wall_clock();
    co_await session(nexthop, std::move(conversation));
    co_return done();
}

Task<Result<Manner>> Delivery::manner_for(std::string nexthop, Nexthop parsed) {
    Manner manner;
    manner.protocol = around_.protocol;
    manner.nexthop_host = parsed.host;
    if (parsed.use_mx && parsed.socket_path.empty()) manner.domain = parsed.host;
    CO_TRY(manner.tls, co_await around_.security.of_nexthop(nexthop));
    co_return manner;
}

/// What the sender says about TLS (RFC 8689): with REQUIRETLS the header field says nothing.
SenderWish Delivery::wish() const {
    if (job_.requiretls) return SenderWish::required;
    bool optional = job_.tls_optional || content_.says_tls_optional();
    return optional ? SenderWish::optional : SenderWish::none;
}

/// The server's own key in the cache; empty: what it is told depends on the next hop or the sender.
std::string Delivery::server_key(const Target& target, const Manner& manner) const {
    // With MTA-STS the same server has to prove more for one domain than for another.
    bool by_domain = around_.settings.sasl.enable() || around_.settings.shared_tls.mta_sts();
    if (manner.tls.level > TlsLevel::may || by_domain) return {};
    return target.relay() + source_;
}

/// A session with the first of the servers that are left and answers.
Task<void> Delivery::try_targets(const std::string& nexthop, Manner manner) {
    if (std::string key = server_key(left_.front(), manner); !key.empty()) {
        TlsLevel level = manner.tls.level;
        auto idle = around_.cache.take(key, [level](const Conversation& conversation) {
            return conversation.manner().tls.level == level;
        });
        if (idle) {
            left_.erase(left_.begin());
            ++sessions_;
            connected_ = spool::wall_clock();
            co_await session(nexthop, std::move(idle));
            co_return;
        }
    }
    Dialer dialer(around_.scope, around_.reachability, dial_);
    auto failed = [this](const Target& target, const Error& error) { unconnected(target, error); };
    auto dialed = co_await dialer.connect(left_, failed);
    if (!dialed) co_return;
    Target target = std::move(dialed->target);
    auto login = co_await around_.logins.find(job_.sender, nexthop, target.name);
    if (!login) {
        trouble_for_all(unreached(login.error()), "none");
        co_return;
    }
    manner.login = *std::move(login);
    auto tls = co_await around_.security.of_target(manner.tls, target, manner.domain, wish());
    if (!tls) {
        if (around_.reports && !manner.domain.empty())
            around_.reports->forbidden(manner.domain, manner.tls, target, tls.error());
        trouble_for_all(unreached(tls.error()), "none");
        co_return;
    }
    manner.tls = *std::move(tls);
    auto adapted = co_await adapt(manner, target);
    if (!adapted) {
        trouble_for_all(unreached(adapted.error()), "none");
        co_return;
    }
    Attempt opened = co_await try_stream(nexthop, target, manner, std::move(dialed->stream), false);
    // RFC 7435 section 3: encryption that fails is not worse than none, where none is allowed.
    if (opened || !opened.error().tls || manner.tls.level != TlsLevel::may) co_return;
    auto again = co_await dialer.connect(target);
    if (again) {
        opened = co_await try_stream(nexthop, target, manner, *std::move(again), true);
    } else {
        unconnected(target, again.error());
    }
}

/// What is known of the server's address: smtp_discard_ehlo_keyword_address_maps,
/// smtp_pix_workaround_maps.
Task<Result<void>> Delivery::adapt(Manner& manner, Target target) {
    const Settings& settings = around_.settings;
    manner.lookups = &around_.lookups;
    manner.discard_ehlo = settings.discard_ehlo_keywords();
    manner.pix_workarounds = settings.pix_workarounds();
    const auto exact = ipc::LookupKey::exact;
    CO_TRY(auto found,
           co_await around_.lookups.find(settings.discard_ehlo_maps(), exact, target.address.ip()));
    if (found) manner.discard_ehlo = conf::parse_list(*found);
    CO_TRY(found, co_await around_.lookups.find(settings.pix_maps(), exact, target.address.ip()));
    if (found) manner.pix_workarounds = conf::parse_list(*found);
    co_return Result<void>();
}

Task<Attempt> Delivery::try_stream(const std::string& nexthop, Target target, Manner manner,
                                   std::unique_ptr<Stream> stream, bool plain) {
    auto conversation = std::make_unique<Conversation>(around_.settings, target, std::move(manner),
                                                       std::move(stream));
    Attempt opened = co_await conversation->open(around_.tls, plain);
    const std::string& domain = conversation->manner().domain;
    if (around_.reports && !plain && !domain.empty())
        around_.reports->opened(domain, *conversation, opened ? nullptr : &opened.error());
    if (!opened) {
        conversation->quit();
        trouble_for_all(for_sender(opened.error(), target), target.relay());
        if (blames_ipv6(target, opened.error())) avoid_ipv6(target);
        co_return opened;
    }
    ++sessions_;
    connected_ = spool::wall_clock();
    co_await session(nexthop, std::move(conversation));
    co_return opened;
}

/// RFC 8689 section 4.2.1: a server without STARTTLS cannot do what the message asks for, today or
/// tomorrow; when no other server of the domain can, its sender hears of it at once.
Trouble Delivery::for_sender(const Trouble& trouble, const Target& target) const {
    if (!job_.requiretls || trouble.tls_failure != "starttls-not-supported") return trouble;
    return unfit(
        target, true, "5.7.30",
        "REQUIRETLS support required, but TLS was not offered by host " + target.name_and_ip());
}

void Delivery::unconnected(const Target& target, const Error& error) {
    const std::string& text = error.text;
    Trouble trouble;
    trouble.status = "4.4.1";
    std::size_t colon = text.starts_with("SOCKS: ") ? 5 : text.rfind(": ");
    trouble.text = "connect to " + target.relay() + text.substr(std::min(text.size(), colon));
    log_info(trouble.text);
    trouble_for_all(trouble, "none");
}

/// Many networks have a better name over IPv4 than over IPv6: servers ask more of the latter (a PTR
/// record, a signature), or do not know it.
bool Delivery::blames_ipv6(const Target& target, const Trouble& trouble) const {
    bool six = target.address.family() == Address::Family::ipv6;
    return six && around_.settings.retry_over_ipv4() && trouble.blames_our_address() &&
           std::ranges::any_of(left_, [](const Target& one) {
               return one.address.family() == Address::Family::ipv4;
           });
}

void Delivery::avoid_ipv6(const Target& target) {
    constexpr Milliseconds kAvoid = std::chrono::hours(1);
    around_.reachability.avoid(target.address, kAvoid);
    std::erase_if(left_,
                  [](const Target& one) { return one.address.family() == Address::Family::ipv6; });
    log_info(job_.queue_id + ": trying over IPv4, as " + target.relay() +
             " refuses our IPv6 address");
}

/// RFC 9422: as many recipients as the server takes in one transaction.
std::vector<std::size_t> Delivery::batch(const Offers& offers,
                                         const std::vector<std::size_t>& waiting) const {
    std::vector<std::size_t> chosen;
    std::set<std::string> domains;
    for (std::size_t i : waiting) {
        if (offers.most_recipients > 0 && chosen.size() >= offers.most_recipients) break;
        const std::string& address = job_.recipients[i].address;
        std::string domain = to_lower(std::string_view(address).substr(address.rfind('@') + 1));
        if (offers.most_domains > 0 && domains.size() >= offers.most_domains &&
            !domains.contains(domain))
            continue;
        domains.insert(std::move(domain));
        chosen.push_back(i);
    }
    return chosen;
}

/// smtp_generic_maps and smtp_header_checks, once for all servers.
Task<Result<void>> Delivery::prepare() {
    if (prepared_ || job_.verify) co_return Result<void>();
    CO_TRY(rewritten_, co_await around_.outgoing.rewrite(job_.queue_id, content_));
    prepared_ = true;
    co_return Result<void>();
}

Task<Result<Envelope>> Delivery::envelope_for(std::vector<std::size_t> recipients) {
    Envelope envelope;
    envelope.job = &job_;
    envelope.content = rewritten_ ? rewritten_.get() : &content_;
    CO_TRY(envelope.sender, co_await around_.outgoing.external(job_.sender));
    for (std::size_t i : recipients) {
        const ipc::JobRecipient& recipient = job_.recipients[i];
        CO_TRY(std::string address, co_await around_.outgoing.external(recipient.address));
        envelope.recipients.push_back(&recipient);
        envelope.addresses.push_back(std::move(address));
    }
    co_return envelope;
}

/// One connection, and as many transactions as it takes.
Task<void> Delivery::session(const std::string& nexthop,
                             std::unique_ptr<Conversation> conversation) {
    if (around_.heard) co_await around_.heard();
    Result<void> prepared = co_await prepare();
    std::vector<std::size_t> waiting = pending_;
    while (prepared && !waiting.empty() && conversation->usable() && !has_enough(*conversation)) {
        std::vector<std::size_t> asked = batch(conversation->offers(), waiting);
        auto envelope = co_await envelope_for(asked);
        if (!envelope) {
            prepared = std::unexpected(envelope.error());
            break;
        }
        std::vector<Verdict> verdicts = co_await conversation->deliver(*std::move(envelope));
        connection_use_ = conversation->messages();
        std::erase_if(waiting,
                      [&](std::size_t i) { return std::ranges::find(asked, i) != asked.end(); });
        // RFC 5321 section 4.5.3.1.10: those that were too many come with the next transaction.
        bool some = std::ranges::any_of(verdicts, [](const Verdict& verdict) {
            return verdict.kind == Verdict::Kind::accepted;
        });
        for (std::size_t k = 0; some && k < asked.size(); ++k) {
            if (verdicts[k].trouble.too_many) waiting.push_back(asked[k]);
        }
        apply(*conversation, std::move(asked), std::move(verdicts));
        co_await tell_settled();
    }
    if (!prepared) {
        Trouble trouble = unreached(prepared.error());
        trouble.permanent = false;
        trouble_for_all(trouble, "none");
        conversation->quit();
        co_return;
    }
    keep(nexthop, std::move(conversation));
    if (!done() && !fresh_.empty() && progress_) {
        progress_(std::move(fresh_));
        fresh_.clear();
    }
}

/// RFC 9422 MAILMAX, smtp_connection_reuse_count_limit.
bool Delivery::has_enough(const Conversation& conversation) const {
    auto done = static_cast<std::uint64_t>(conversation.messages());
    std::uint64_t most = conversation.offers().most_messages;
    return most > 0 && done >= most;
}

/// smtp_connection_cache_destinations: a domain, a host without brackets or port, a path.
bool Delivery::is_cached(const std::string& nexthop) const {
    const Settings& settings = around_.settings;
    if (settings.cache_connections()) return true;
    if (settings.cache_destinations().empty()) return false;
    auto parsed = Nexthop::parse(nexthop, around_.protocol, 0);
    if (!parsed) return false;
    const std::string& name = parsed->socket_path.empty() ? parsed->host : parsed->socket_path;
    return std::ranges::any_of(settings.cache_destinations(),
                               [&](const std::string& word) { return iequals(word, name); });
}

void Delivery::keep(const std::string& nexthop, std::unique_ptr<Conversation> conversation) {
    const Settings& settings = around_.settings;
    int most = settings.reuse_count();
    auto age = Loop::current().now() - conversation->opened();
    bool good = !job_.verify && conversation->usable() && is_cached(nexthop) && done() &&
                !settings.sasl.by_sender() && settings.cache_time().count() > 0 &&
                age < settings.reuse_time() && !has_enough(*conversation) &&
                (most == 0 || conversation->messages() < most);
    if (good) {
        std::vector<std::string> keys = {nexthop + source_};
        std::string server = server_key(conversation->target(), conversation->manner());
        if (!server.empty()) keys.push_back(std::move(server));
        around_.cache.put(std::move(keys), std::move(conversation));
    } else {
        conversation->quit();
    }
}

}  // namespace facteur::smtp_client
