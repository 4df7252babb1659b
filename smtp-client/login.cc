// How a connection logs in (RFC 4954).
#include <algorithm>

#include <fmt/format.h>

#include "lib/base/encoding.h"
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/sasl/password.h"
#include "smtp-client/conversation.h"

namespace facteur::smtp_client {
namespace {

/// RFC 5321 section 4.5.3.1.4, without the line end: a first response that does not fit into the
/// command is sent when the server asks for it (RFC 4954 section 4).
constexpr std::size_t kCommandLimit = 510;
constexpr int kWrongPassword = 535;
constexpr int kUnknownMechanism = 504;

std::uint8_t bits_of(const std::vector<std::string>& words) {
    std::uint8_t bits = 0;
    for (const std::string& word : words) {
        auto bit = sasl::security_option(word);
        if (bit) bits = static_cast<std::uint8_t>(bits | *bit);
        if (!bit) log_warning("unknown SASL security option: " + printable(word));
    }
    return bits;
}

}  // namespace

std::uint8_t Conversation::needed_security() const {
    const SaslSettings& sasl = settings_.sasl;
    const TlsInfo* tls = stream_->tls();
    if (!tls) return bits_of(sasl.security_options());
    bool verified = tls->trust == TlsInfo::Trust::verified;
    return bits_of(verified ? sasl.verified_security_options() : sasl.tls_security_options());
}

/// What the server offers and we and the administrator are ready for, best first.
std::vector<std::string> Conversation::mechanisms(sasl::ClientConnection& connection) const {
    std::vector<std::string> allowed;
    bool plus_offered = false;
    bool plus_allowed = false;
    for (const std::string& name : offers_.auth) {
        bool good =
            !manner_.login->mechanisms ||
            std::ranges::find(*manner_.login->mechanisms, name) != manner_.login->mechanisms->end();
        if (good) allowed.push_back(name);
        plus_offered = plus_offered || name.ends_with("-PLUS");
        plus_allowed = plus_allowed || (good && name.ends_with("-PLUS"));
    }
    connection.plus_left_out = plus_offered && !plus_allowed;
    return sasl::usable_mechanisms(allowed, manner_.login->credentials, connection,
                                   needed_security());
}

Task<Attempt> Conversation::login() {
    doing_ = "performing SASL authentication";
    sasl::ClientConnection connection;
    connection.host = target_.name;
    connection.port = target_.address.port();
    connection.tls_exporter = stream_->tls_exporter();
    std::vector<std::string> names = mechanisms(connection);
    Trouble trouble = login_failed(
        target_, fmt::format("cannot authenticate to server {}: no mechanism available",
                             target_.name_and_ip()));
    for (const std::string& name : names) {
        auto mechanism = sasl::make_client(name, manner_.login->credentials, connection);
        if (!mechanism) continue;
        auto answer = co_await login_with(name, *mechanism);
        if (!answer) {
            trouble = login_failed(target_, answer.error().text);
            break;
        }
        if (answer->is_positive()) {
            logged_in_ = true;
            co_return Attempt();
        }
        if (answer->code == kWrongPassword && manner_.login->on_refused)
            manner_.login->on_refused(smtp::to_line(*answer));
        // It is for the administrator to mend: by default the mail waits for that.
        trouble = login_refused(target_, *answer, settings_.sasl.soft_bounce());
        if (answer->code != kUnknownMechanism || broken_) break;
    }
    co_return std::unexpected(std::move(trouble));
}

/// The exchange in one mechanism (RFC 4954 section 4); an Error: it is the server's fault.
Task<Result<smtp::Reply>> Conversation::login_with(std::string name,
                                                   sasl::ClientMechanism& mechanism) {
    const Milliseconds budget = settings_.timeouts.helo();
    std::string line = "AUTH " + name;
    std::optional<std::string> first = mechanism.initial_response();
    if (first) {
        std::string encoded = first->empty() ? "=" : base64_encode(*first);
        if (line.size() + 1 + encoded.size() <= kCommandLimit) {
            line += " " + encoded;
            first.reset();
        }
    }
    smtp::Reply answer = co_await command(std::move(line), budget);
    // More rounds than any mechanism has would be a server that plays with us.
    constexpr int kMostRounds = 10;
    for (int round = 0; answer.is_intermediate() && round < kMostRounds; ++round) {
        Result<std::string> response = std::string();
        if (first && round == 0) {
            response = *std::move(first);
        } else if (auto challenge = base64_decode(trim(answer.text))) {
            response = mechanism.respond(*challenge);
        } else {
            response = temporary("malformed challenge", "4.7.0");
        }
        if (!response) {
            // RFC 4954 section 4: "*" ends the exchange.
            answer = co_await command(std::string("*"), budget);
            co_return temporary(
                fmt::format("server {}: {}", target_.name_and_ip(), response.error().text));
        }
        answer = co_await command(base64_encode(*response), budget);
        sasl::wipe(*response);
    }
    if (answer.is_positive() && !mechanism.finished()) {
        broken_ = true;
        co_return temporary(fmt::format("server {} did not prove that it knows the password",
                                        target_.name_and_ip()));
    }
    co_return answer;
}

}  // namespace facteur::smtp_client
