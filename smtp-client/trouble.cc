#include "smtp-client/trouble.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/base/text.h"
#include "lib/smtp/status.h"

namespace facteur::smtp_client {
namespace {

Trouble with_words(const Target& target, const smtp::Reply& reply) {
    Trouble trouble;
    // What is neither yes nor no breaks the protocol; it may be better next time.
    trouble.permanent = reply.is_permanent();
    trouble.status = reply.status;
    if (trouble.status.empty()) trouble.status = smtp::generic_status(reply.code);
    if (!reply.is_permanent() && trouble.status[0] != '4') trouble.status = "4.5.0";
    trouble.remote_mta = "dns; " + target.name;
    trouble.diagnostic = "smtp; " + smtp::to_line(reply);
    return trouble;
}

void soften(Trouble& trouble) {
    trouble.permanent = false;
    trouble.status[0] = '4';
}

}  // namespace

Trouble refused(const Target& target, const smtp::Reply& reply, std::string_view command) {
    Trouble trouble = with_words(target, reply);
    trouble.text = fmt::format("host {} said: {} (in reply to {})", target.name_and_ip(),
                               smtp::to_line(reply), command);
    return trouble;
}

Trouble unwelcome(const Target& target, const smtp::Reply& reply, bool permanent) {
    Trouble trouble = with_words(target, reply);
    if (!permanent) soften(trouble);
    trouble.text = fmt::format("host {} refused to talk to me: {}", target.name_and_ip(),
                               smtp::to_line(reply));
    return trouble;
}

Trouble interrupted(const Target& target, bool timed_out, std::string_view doing) {
    Trouble trouble;
    trouble.status = "4.4.2";
    trouble.text =
        timed_out
            ? fmt::format("conversation with {} timed out while {}", target.name_and_ip(), doing)
            : fmt::format("lost connection with {} while {}", target.name_and_ip(), doing);
    trouble.remote_mta = "dns; " + target.name;
    return trouble;
}

Trouble unfit(const Target& target, bool permanent, std::string status, std::string text) {
    Trouble trouble;
    trouble.permanent = permanent;
    trouble.status = std::move(status);
    trouble.text = std::move(text);
    trouble.remote_mta = "dns; " + target.name;
    return trouble;
}

Trouble login_failed(const Target& target, std::string text) {
    return unfit(target, false, "4.7.0", "SASL authentication failed; " + std::move(text));
}

Trouble login_refused(const Target& target, const smtp::Reply& reply, bool soft) {
    Trouble trouble = with_words(target, reply);
    if (soft) soften(trouble);
    trouble.text = fmt::format("SASL authentication failed; server {} said: {}",
                               target.name_and_ip(), smtp::to_line(reply));
    return trouble;
}

bool Trouble::blames_our_address() const {
    if (diagnostic.empty() || status.size() < 4 || status.substr(1, 3) != ".7.") return false;
    if (status.ends_with(".7.25")) return true;
    constexpr std::string_view kWords[] = {"ipv6",       "ptr record", "reverse dns", "rdns",
                                           "reputation", "blocklist",  "block list",  "blacklist",
                                           "spamhaus",   "dnsbl",      "rbl"};
    std::string said = to_lower(diagnostic);
    return std::ranges::any_of(
        kWords, [&](std::string_view word) { return said.find(word) != std::string::npos; });
}

Trouble unreached(const Error& error) {
    Trouble trouble;
    trouble.permanent = !error.is_temporary();
    trouble.status = error.status;
    trouble.text = error.text;
    return trouble;
}

}  // namespace facteur::smtp_client
