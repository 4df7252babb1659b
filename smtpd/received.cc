#include "smtpd/received.h"

#include <ctime>

#include "lib/base/text.h"
#include "lib/net/tls.h"

namespace facteur::smtpd {

namespace {

/// What the client said may stand in a comment or a word of our header only when it is harmless.
std::string harmless(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 255)) {
        const bool unsafe = static_cast<unsigned char>(c) <= ' ' || c == '\x7F' || c == '(' ||
                            c == ')' || c == '<' || c == '>' || c == ';' || c == '\\' || c == '"';
        out += unsafe ? '?' : c;
    }
    return out;
}

/// "UTC": what people read more easily than an offset.
std::string zone_name(WallTime when) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
    std::tm local{};
    localtime_r(&seconds, &local);
    return harmless(local.tm_zone ? local.tm_zone : "");
}

void append_tls(std::string& out, const TlsInfo& tls, bool asked) {
    out.append("\r\n\t(using ").append(tls.protocol).append(" with cipher ").append(tls.cipher);
    out.append(" (").append(std::to_string(tls.bits)).append("/");
    out.append(std::to_string(tls.algorithm_bits)).append(" bits)");
    if (!tls.details.empty()) out.append("\r\n\t ").append(trim(tls.details));
    out.append(")");
    if (tls.trust == TlsInfo::Trust::anonymous) {
        out.append(asked ? "\r\n\t(Client did not present a certificate)"
                         : "\r\n\t(No client certificate requested)");
    } else {
        out.append("\r\n\t(Client CN \"").append(harmless(tls.peer_name)).append("\", Issuer \"");
        const bool trusted = tls.trust != TlsInfo::Trust::untrusted;
        out.append(harmless(tls.issuer_name)).append("\" (");
        out.append(trusted ? "verified OK" : "not verified").append("))");
    }
}

}  // namespace

std::string received_field(const TraceFacts& facts) {
    const Client& client = facts.client;
    std::string out = "Received: from ";
    out.append(client.helo.empty() ? client.name : harmless(client.helo));
    out.append(" (").append(client.name).append(" ").append(client.address.literal()).append(")");
    if (facts.tls) append_tls(out, *facts.tls, facts.asked_certificate);
    if (facts.show_login && !client.login.empty())
        out.append("\r\n\t(Authenticated sender: ").append(harmless(client.login)).append(")");
    out.append("\r\n\tby ").append(facts.host).append(" (").append(facts.mail_name);
    out.append(") with ").append(client.protocol(facts.smtputf8)).append(" id ");
    out.append(facts.queue_id);
    if (!facts.recipient.empty()) out.append("\r\n\tfor <").append(facts.recipient).append(">");
    if (facts.priority) out.append("\r\n\tPRIORITY ").append(std::to_string(*facts.priority));
    out.append(facts.recipient.empty() && !facts.priority ? ";\r\n\t" : "; ");
    out.append(rfc5322_date(facts.when));
    return out.append(" (").append(zone_name(facts.when)).append(")\r\n");
}

}  // namespace facteur::smtpd
