#include "policyd/rates.h"

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/loop.h"

namespace facteur::policyd {

/// What a moment counts, against which parameters, and how Postfix words the refusal.
struct Rates::Limit {
    ipc::PolicyMoment moment;
    Event event;
    conf::Param<int> Settings::*login;
    std::uint16_t code;
    const char* status;
    const char* text;
    const char* log;
};

const Rates::Limit Rates::kLimits[] = {
    {ipc::PolicyMoment::connect, Event::connection, nullptr, 421, "4.7.0",
     "Error: too many connections from ", "Connection rate limit exceeded: "},
    {ipc::PolicyMoment::auth, Event::auth, nullptr, 450, "4.7.1",
     "Error: too many AUTH commands from ", "AUTH command rate limit exceeded: "},
    {ipc::PolicyMoment::mail, Event::message, &Settings::login_message_rate, 450, "4.7.1",
     "Error: too much mail from ", "Message delivery request rate limit exceeded: "},
    {ipc::PolicyMoment::recipient, Event::recipient, &Settings::login_recipient_rate, 450, "4.7.1",
     "Error: too many recipients from ", "Recipient address rate limit exceeded: "},
    {ipc::PolicyMoment::starttls, Event::tls, nullptr, 454, "4.7.0",
     "Error: too many new TLS sessions from ", "New TLS session rate limit exceeded: "},
};

const Rates::Limit* Rates::limit_of(ipc::PolicyMoment moment) {
    for (const Limit& limit : kLimits)
        if (limit.moment == moment) return &limit;
    return nullptr;
}

Rates::Rates(const Settings& settings)
    : settings_(settings),
      counters_(settings.anvil_rate_time_unit(), static_cast<std::size_t>(settings.counters())) {}

namespace {

ipc::PolicyReply refusal(std::uint16_t code, const char* status, std::string text) {
    ipc::PolicyReply reply;
    reply.verdict = ipc::Verdict::defer;
    reply.code = code;
    reply.status = status;
    reply.text = std::move(text);
    return reply;
}

}  // namespace

namespace {

std::string client_of(const ipc::Ask& question) {
    return question.client_name + "[" + question.client_address + "] for service " +
           question.service;
}

}  // namespace

std::optional<ipc::PolicyReply> Rates::count_connections(const ipc::Ask& question,
                                                         std::int32_t process) {
    const std::uint32_t all =
        census_.set(question.service + "/" + question.client_key, process, question.connections);
    if (question.count_limit == 0 || all <= question.count_limit) return std::nullopt;
    log_warning("Connection concurrency limit exceeded: " + std::to_string(all) + " from " +
                client_of(question));
    return refusal(
        421, "4.7.0",
        settings_.myhostname() + " Error: too many connections from " + question.client_address);
}

std::optional<ipc::PolicyReply> Rates::count_client(const Limit& limit, const ipc::Ask& question) {
    const int count = counters_.count("c" + question.service + "/" + question.client_key,
                                      limit.event, Loop::current().now());
    if (static_cast<std::uint32_t>(count) <= question.rate_limit) return std::nullopt;
    log_warning(limit.log + std::to_string(count) + " from " + client_of(question));
    std::string text = limit.text + question.client_address;
    // RFC 5321 section 3.8: a 421 tells whose last word it is.
    if (limit.code == 421) text.insert(0, settings_.myhostname() + ' ');
    return refusal(limit.code, limit.status, std::move(text));
}

std::optional<ipc::PolicyReply> Rates::count_login(const Limit& limit, const ipc::Ask& question) {
    const int allowed = (settings_.*limit.login)();
    const int count =
        counters_.count("l" + to_lower(question.login), limit.event, Loop::current().now());
    if (count <= allowed) return std::nullopt;
    log_warning(limit.log + std::to_string(count) + " from sasl_username=" + question.login);
    return refusal(limit.code, limit.status, limit.text + question.login);
}

ipc::PolicyInterestsReply Rates::interests() const {
    ipc::PolicyInterestsReply reply;
    for (const Limit& limit : kLimits) {
        if (limit.login && (settings_.*limit.login)() > 0)
            reply.moments |= 1u << static_cast<unsigned>(limit.moment);
    }
    return reply;
}

Task<std::optional<ipc::PolicyReply>> Rates::ask(const ipc::Ask& question, std::int32_t process) {
    const Limit* limit = limit_of(question.moment);
    if (!limit) co_return std::nullopt;
    // A stolen password sends from anywhere, our own networks included.
    if (limit->login && !question.login.empty() && (settings_.*limit->login)() > 0) {
        if (auto reply = count_login(*limit, question)) co_return reply;
    }
    if (question.client_key.empty()) co_return std::nullopt;
    if (question.moment == ipc::PolicyMoment::connect) {
        if (auto reply = count_connections(question, process)) co_return reply;
    }
    if (question.rate_limit == 0) co_return std::nullopt;
    co_return count_client(*limit, question);
}

Task<std::optional<ipc::PolicyReply>> Rates::judge(const ipc::Judge&, const Fd&) {
    co_return std::nullopt;
}

}  // namespace facteur::policyd
