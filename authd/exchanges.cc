#include "authd/exchanges.h"

#include <cstring>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/sasl/password.h"

namespace facteur::authd {
namespace {

ipc::SaslReply reply_with(ipc::SaslOutcome outcome, std::string reason) {
    ipc::SaslReply reply;
    reply.outcome = outcome;
    reply.reason = std::move(reason);
    return reply;
}

ipc::SaslOutcome outcome_of(Verdict::Kind kind) {
    switch (kind) {
        case Verdict::Kind::accepted:
            return ipc::SaslOutcome::accepted;
        case Verdict::Kind::rejected:
            return ipc::SaslOutcome::rejected;
        case Verdict::Kind::temporary:
            break;
    }
    return ipc::SaslOutcome::temporary;
}

std::uint64_t random_id() {
    const std::string bytes = random_bytes(sizeof(std::uint64_t));
    std::uint64_t id = 0;
    std::memcpy(&id, bytes.data(), sizeof id);
    return id;
}

/// Counts a check under way for as long as it lives.
class Counted {
public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count_; }

private:
    std::size_t& count_;
};

}  // namespace

Exchanges::Exchanges(const Settings& settings, Verifier& verifier)
    : settings_(settings),
      logins_(static_cast<std::size_t>(settings.recent_logins()), settings.recent_login_time()),
      verifier_(verifier) {}

std::vector<std::string> Exchanges::mechanisms() const {
    std::vector<std::string> names;
    for (const std::string& name : settings_.mechanisms())
        if (sasl::make_server(name)) names.push_back(to_upper(name));
    return names;
}

Task<ipc::SaslReply> Exchanges::start(Scope& scope, ipc::SaslStart request) {
    forget_expired();
    if (active() >= static_cast<std::size_t>(settings_.request_limit())) {
        co_return reply_with(ipc::SaslOutcome::temporary, "auth_request_limit reached");
    }
    Exchange exchange;
    for (const std::string& name : mechanisms())
        if (iequals(name, request.mechanism)) exchange.mechanism = sasl::make_server(name);
    if (!exchange.mechanism) {
        co_return reply_with(ipc::SaslOutcome::unknown_mechanism, "unknown mechanism");
    }
    exchange.service = std::move(request.service);
    exchange.client_address = std::move(request.client_address);
    std::optional<std::string_view> response;
    if (request.has_response) response = request.response;
    sasl::ServerStep step = exchange.mechanism->step(response);
    sasl::wipe(request.response);
    co_return co_await go_on(scope, std::move(exchange), std::move(step));
}

Task<ipc::SaslReply> Exchanges::step(Scope& scope, ipc::SaslStep request) {
    const auto found = waiting_.find(request.exchange);
    if (found == waiting_.end() || found->second.until < Loop::current().now()) {
        co_return reply_with(ipc::SaslOutcome::temporary, "no such exchange");
    }
    Exchange exchange = std::move(found->second);
    waiting_.erase(found);
    if (request.abort) co_return reply_with(ipc::SaslOutcome::malformed, "aborted by the client");
    sasl::ServerStep step = exchange.mechanism->step(request.response);
    sasl::wipe(request.response);
    co_return co_await go_on(scope, std::move(exchange), std::move(step));
}

Task<ipc::SaslReply> Exchanges::go_on(Scope& scope, Exchange exchange, sasl::ServerStep step) {
    if (auto* challenge = std::get_if<sasl::Challenge>(&step)) {
        co_return ask(std::move(exchange), std::move(challenge->text));
    }
    if (auto* wanted = std::get_if<sasl::CheckPassword>(&step)) {
        co_return co_await check(scope, std::move(exchange), std::move(*wanted));
    }
    co_return reply_with(ipc::SaslOutcome::malformed, std::get<sasl::Malformed>(step).why);
}

ipc::SaslReply Exchanges::ask(Exchange exchange, std::string challenge) {
    ipc::SaslReply reply;
    reply.outcome = ipc::SaslOutcome::more;
    reply.challenge = std::move(challenge);
    reply.exchange = random_id();
    exchange.until = Loop::current().now() + settings_.exchange_timeout();
    waiting_.insert_or_assign(reply.exchange, std::move(exchange));
    return reply;
}

Task<ipc::SaslReply> Exchanges::check(Scope& scope, Exchange exchange, sasl::CheckPassword wanted) {
    const Counted counted(checking_);
    Claim claim;
    claim.login = wanted.user;
    claim.password = std::move(wanted.password);
    claim.service = exchange.service;
    claim.client_address = exchange.client_address;
    // RFC 4616 section 2: to act as somebody else takes a right to do so, which nobody has here.
    const bool other = !wanted.authorization.empty() && wanted.authorization != wanted.user;
    Verdict verdict = co_await verifier_.verify(scope, std::move(claim));
    if (other && verdict.kind == Verdict::Kind::accepted) {
        verdict.kind = Verdict::Kind::rejected;
        verdict.reason = "may not act as " + printable(wanted.authorization, 64);
    }
    ipc::SaslReply reply = reply_with(outcome_of(verdict.kind), std::move(verdict.reason));
    reply.login = std::move(wanted.user);
    if (reply.outcome != ipc::SaslOutcome::accepted) co_return reply;
    reply.user = std::move(verdict.user);
    if (exchange.service != "smtp") logins_.remember(exchange.client_address);
    co_return reply;
}

void Exchanges::forget_expired() {
    const TimePoint now = Loop::current().now();
    if (now < next_sweep_) return;
    next_sweep_ = now + Seconds(1);
    std::erase_if(waiting_, [&](const auto& entry) { return entry.second.until < now; });
}

}  // namespace facteur::authd
