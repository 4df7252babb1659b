#include "policyd/rates.h"

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/loop.h"
#include "lib/net/address.h"

namespace facteur::policyd {

/// What a moment counts, against which parameters, and how Postfix words the refusal.
struct Rates::Limit {
    ipc::PolicyMoment moment;
    Event event;
    conf::Param<int> Settings::*client;
    conf::Param<int> Settings::*login;
    std::uint16_t code;
    const char* status;
    const char* text;
    const char* log;
};

const Rates::Limit Rates::kLimits[] = {
    {ipc::PolicyMoment::connect, Event::connection, &Settings::connection_rate, nullptr, 421,
     "4.7.0", "Error: too many connections from ", "Connection rate limit exceeded: "},
    {ipc::PolicyMoment::auth, Event::auth, &Settings::auth_rate, nullptr, 450, "4.7.0",
     "Error: too many AUTH commands from ", "AUTH command rate limit exceeded: "},
    {ipc::PolicyMoment::mail, Event::message, &Settings::message_rate,
     &Settings::login_message_rate, 450, "4.7.1", "Error: too much mail from ",
     "Message delivery request rate limit exceeded: "},
    {ipc::PolicyMoment::recipient, Event::recipient, &Settings::recipient_rate,
     &Settings::login_recipient_rate, 450, "4.7.1", "Error: too many recipients from ",
     "Recipient address rate limit exceeded: "},
    {ipc::PolicyMoment::starttls, Event::tls, &Settings::tls_rate, nullptr, 454, "4.7.0",
     "Error: too many new TLS sessions from ", "New TLS session rate limit exceeded: "},
};

const Rates::Limit* Rates::limit_of(ipc::PolicyMoment moment) {
    for (const Limit& limit : kLimits)
        if (limit.moment == moment) return &limit;
    return nullptr;
}

std::string client_key(const std::string& ip, int ipv6_prefix) {
    const auto address = Address::from_ip(ip);
    if (!address || address->family() != Address::Family::ipv6) return ip;
    std::string bytes = address->bytes();
    for (int bit = ipv6_prefix; bit < 128; ++bit) {
        char& byte = bytes[static_cast<std::size_t>(bit / 8)];
        byte = static_cast<char>(byte & ~(0x80 >> (bit % 8)));
    }
    return Address::from_bytes(bytes).ip() + "/" + std::to_string(ipv6_prefix);
}

Rates::Rates(const Settings& settings, Exempt exempt)
    : settings_(settings),
      exempt_(std::move(exempt)),
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

Task<bool> Rates::is_exempt(const ipc::Ask& question) {
    // The default is mynetworks, and smtpd looked there already.
    if (settings_.exceptions() == settings_.mynetworks()) co_return question.in_mynetworks;
    auto exempt = co_await exempt_(question.client_name, question.client_address);
    if (!exempt) log_warning("smtpd_client_event_limit_exceptions: " + exempt.error().text);
    // Nobody is refused because a table cannot be asked.
    co_return !exempt || *exempt;
}

std::optional<ipc::PolicyReply> Rates::count_client(const Limit& limit, const ipc::Ask& question) {
    const int allowed = (settings_.*limit.client)();
    const std::string key = client_key(question.client_address, settings_.ipv6_prefix());
    const int count =
        counters_.count("c" + question.service + "/" + key, limit.event, Loop::current().now());
    if (count <= allowed) return std::nullopt;
    const std::string client = question.client_name + "[" + question.client_address + "]";
    log_warning(limit.log + std::to_string(count) + " from " + client + " for service " +
                question.service);
    return refusal(limit.code, limit.status, limit.text + question.client_address);
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
        const bool counts =
            (settings_.*limit.client)() > 0 || (limit.login && (settings_.*limit.login)() > 0);
        if (counts) reply.moments |= 1u << static_cast<unsigned>(limit.moment);
    }
    return reply;
}

Task<std::optional<ipc::PolicyReply>> Rates::ask(const ipc::Ask& question) {
    const Limit* limit = limit_of(question.moment);
    if (!limit) co_return std::nullopt;
    // A stolen password sends from anywhere, our own networks included.
    if (limit->login && !question.login.empty() && (settings_.*limit->login)() > 0) {
        if (auto reply = count_login(*limit, question)) co_return reply;
    }
    if ((settings_.*limit->client)() == 0) co_return std::nullopt;
    const bool exempt = co_await is_exempt(question);
    if (exempt) co_return std::nullopt;
    co_return count_client(*limit, question);
}

Task<std::optional<ipc::PolicyReply>> Rates::judge(const ipc::Judge&, const Fd&) {
    co_return std::nullopt;
}

}  // namespace facteur::policyd
