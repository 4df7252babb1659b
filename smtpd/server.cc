#include "smtpd/server.h"

#include <algorithm>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/sleep.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

namespace {

/// How long a policyd that is new may not know who is connected.
constexpr Milliseconds kLook{5000};
/// How long a client may be silent between two messages when the process wants to end.
constexpr Milliseconds kSilence{10000};

bool holds_word(const std::vector<std::string>& list, std::string_view word) {
    return std::any_of(list.begin(), list.end(),
                       [&](const std::string& each) { return iequals(each, word); });
}

}  // namespace

ClientList::ClientList(std::string parameter, const std::vector<std::string>& patterns)
    : parameter_(std::move(parameter)), patterns_(patterns), networks_(patterns, others_) {}

Task<bool> ClientList::holds(Backend& backend, const Client& client) const {
    if (others_.empty()) co_return networks_.contains(client.address.bytes());
    ipc::Match question;
    question.list = parameter_;
    question.patterns = patterns_;
    if (client.name != "unknown") question.name = client.name;
    question.ip = client.ip;
    Result<bool> answer = co_await backend.matches(std::move(question));
    if (!answer) log_warning(parameter_ + ": " + answer.error().text);
    co_return answer&&* answer;
}

/// "static:all" is everybody, and nobody needs to be asked.
Task<bool> ClientList::holds_address(Backend& backend, const Address& address) const {
    if (patterns_.size() == 1 && patterns_.front() == "static:all") co_return true;
    Client somebody;
    somebody.address = address;
    somebody.ip = address.ip();
    co_return co_await holds(backend, somebody);
}

Server::Server(Scope& session_scope, const Settings& the_settings, Backend& the_backend,
               std::string service_name)
    : scope(session_scope),
      settings(the_settings),
      backend(the_backend),
      gate(session_scope, the_settings, the_backend),
      service(std::move(service_name)),
      mynetworks("mynetworks", the_settings.mynetworks()),
      unlimited("smtpd_client_event_limit_exceptions", the_settings.limits.exceptions()),
      sasl_exceptions("smtpd_sasl_exceptions_networks", the_settings.sasl.exceptions()),
      bare_newline_exclusions("smtpd_forbid_bare_newline_exclusions",
                              the_settings.bare_newline_exclusions()),
      xclient_hosts("smtpd_authorized_xclient_hosts", the_settings.xclient_hosts()),
      xforward_hosts("smtpd_authorized_xforward_hosts", the_settings.xforward_hosts()),
      allow_interfaces("postscreen_allowlist_interfaces",
                       the_settings.screen.allowlist_interfaces()),
      proxies("haproxy_trusted_networks", the_settings.upstream_networks()) {
    // What is wrong with it was told before the start (Gate::review).
    auto sites = parse_dnsbl_sites(the_settings.screen.dnsbl_sites());
    if (sites) dnsbl_sites = *std::move(sites);
}

Task<void> Server::tell_sessions(std::string key, std::uint32_t left) {
    ipc::Sessions told;
    told.service = service;
    if (!key.empty()) {
        ipc::ClientSessions one;
        one.client_key = std::move(key);
        one.connections = left;
        told.clients.push_back(std::move(one));
    }
    auto generation = co_await backend.tell(std::move(told));
    if (!generation || *generation == policyd_generation) co_return;
    policyd_generation = *generation;
    ipc::Sessions everything;
    everything.service = service;
    for (const auto& [client, number] : counts.all()) {
        ipc::ClientSessions each;
        each.client_key = client;
        each.connections = number;
        everything.clients.push_back(std::move(each));
    }
    auto again = co_await backend.tell(std::move(everything));
    if (!again) policyd_generation = 0;
}

Task<void> Server::watch_policyd(Scope& watching) {
    for (;;) {
        co_await Sleep(watching, kLook);
        if (!counts.all().empty()) co_await tell_sessions(std::string(), 0);
    }
}

Task<void> Server::dismiss_idle() {
    while (!sessions.empty()) {
        for (Session* session : sessions)
            session->dismiss(kSilence);
        co_await Sleep(scope, kSilence);
    }
}

bool Server::offers_tested(std::string_view keyword) const {
    return !holds_word(settings.screen.discard_keywords(), keyword);
}

}  // namespace facteur::smtpd
