#include "smtpd/policy_service.h"

#include "lib/base/text.h"
#include "lib/config/param.h"
#include "smtpd/gate.h"

namespace facteur::smtpd {

namespace {

Result<std::uint32_t> seconds(std::string_view text) {
    TRY(auto time, conf::parse_time(text, 's'));
    const auto count = std::chrono::duration_cast<conf::Seconds>(time).count();
    TRY_VOID(conf::check_range(count, 0, 1000000));
    return static_cast<std::uint32_t>(count);
}

Result<std::uint32_t> number(std::string_view text) {
    TRY(auto count, conf::parse_integer(text));
    TRY_VOID(conf::check_range(count, 0, 1000000));
    return static_cast<std::uint32_t>(count);
}

Result<void> check_server(std::string_view name) {
    const bool known = name.starts_with("inet:") || name.starts_with("unix:");
    if (known && name.size() > 5) return {};
    return permanent("check_policy_service needs inet:host:port or unix:path, not \"" +
                     printable(name, 64) + '"');
}

/// "name = value" in braces, with or without braces of its own.
Result<void> set_option(PolicyService& service, std::string_view name, std::string_view value) {
    struct Number {
        std::string_view name;
        std::uint32_t ipc::Delegate::*member;
        Result<std::uint32_t> (*parse)(std::string_view);
    };
    static constexpr Number kNumbers[] = {
        {"timeout", &ipc::Delegate::timeout, seconds},
        {"max_idle", &ipc::Delegate::max_idle, seconds},
        {"max_ttl", &ipc::Delegate::max_ttl, seconds},
        {"retry_delay", &ipc::Delegate::retry_delay, seconds},
        {"try_limit", &ipc::Delegate::tries, number},
        {"request_limit", &ipc::Delegate::request_limit, number},
    };
    for (const Number& known : kNumbers) {
        if (known.name != name) continue;
        TRY(service.question.*known.member, known.parse(value));
        return {};
    }
    if (name == "default_action") {
        service.default_action = value;
    } else if (name == "policy_context") {
        service.context = value;
    } else {
        return permanent("check_policy_service has no option \"" + printable(name, 64) +
                         "\": write timeout, max_idle, max_ttl, retry_delay, try_limit, "
                         "request_limit, default_action or policy_context");
    }
    return {};
}

Result<void> set_options(PolicyService& service, std::vector<std::string> words) {
    for (std::string_view word : words) {
        if (word.starts_with('{') && word.ends_with('}')) word = word.substr(1, word.size() - 2);
        const std::size_t equals = word.find('=');
        if (equals == std::string_view::npos)
            return permanent("check_policy_service: \"" + printable(word, 64) +
                             "\" is no name=value");
        TRY_VOID(set_option(service, trim(word.substr(0, equals)), trim(word.substr(equals + 1))));
    }
    return {};
}

PolicyService with_defaults(const PolicySettings& settings) {
    const auto count = [](conf::Seconds time) { return static_cast<std::uint32_t>(time.count()); };
    PolicyService service;
    service.question.timeout = count(settings.timeout());
    service.question.tries = static_cast<std::uint32_t>(settings.try_limit());
    service.question.retry_delay = count(settings.retry_delay());
    service.question.max_idle = count(settings.max_idle());
    service.question.max_ttl = count(settings.max_ttl());
    service.question.request_limit = static_cast<std::uint32_t>(settings.request_limit());
    service.default_action = settings.default_action();
    service.context = settings.context();
    return service;
}

}  // namespace

Result<PolicyService> PolicyService::parse(std::string_view argument,
                                           const PolicySettings& settings) {
    PolicyService service = with_defaults(settings);
    if (argument.starts_with('{') && argument.ends_with('}')) {
        std::vector<std::string> words = conf::parse_list(argument.substr(1, argument.size() - 2));
        if (words.empty()) return permanent("check_policy_service needs a server");
        service.question.server = words.front();
        words.erase(words.begin());
        TRY_VOID(set_options(service, std::move(words)));
    } else {
        service.question.server = argument;
    }
    TRY_VOID(check_server(service.question.server));
    return service;
}

std::vector<std::string> policy_attributes(const Facts& facts, std::string_view context) {
    const Client& client = facts.client;
    std::vector<std::string> lines;
    const auto put = [&](std::string_view name, std::string_view value) {
        lines.emplace_back(name);
        lines.back().append("=").append(value);
    };
    const bool has_content =
        facts.verb == "DATA" || facts.verb == "BDAT" || facts.verb == "END-OF-MESSAGE";
    put("request", "smtpd_access_policy");
    put("protocol_state", facts.verb == "BDAT" ? "DATA" : facts.verb);
    put("protocol_name", client.esmtp ? "ESMTP" : "SMTP");
    put("client_address", client.ip);
    put("client_name", client.name);
    put("client_port", std::to_string(client.address.port()));
    put("reverse_client_name", client.reverse_name);
    put("server_address", client.server.ip());
    put("server_port", std::to_string(client.server.port()));
    put("helo_name", client.helo);
    put("sender", facts.sender ? *facts.sender : std::string());
    put("recipient", facts.recipient ? *facts.recipient : std::string());
    put("recipient_count", std::to_string(has_content ? facts.recipients : 0));
    put("queue_id", facts.queue_id);
    put("instance", facts.instance);
    put("size", std::to_string(facts.size));
    put("etrn_domain", "");
    put("stress", "");
    put("sasl_method", client.mechanism);
    put("sasl_username", client.login);
    put("sasl_sender", facts.sasl_sender);
    const Client::Certificate& certificate = facts.client.certificate;
    put("ccert_subject", certificate.trusted ? certificate.subject : std::string());
    put("ccert_issuer", certificate.trusted ? certificate.issuer : std::string());
    put("ccert_fingerprint", certificate.fingerprint);
    put("ccert_pubkey_fingerprint", certificate.key_fingerprint);
    put("encryption_protocol", client.tls_protocol);
    put("encryption_cipher", client.tls_cipher);
    put("encryption_keysize", std::to_string(client.tls_bits));
    put("policy_context", context);
    return lines;
}

}  // namespace facteur::smtpd
