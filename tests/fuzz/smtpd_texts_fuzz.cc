// What smtpd reads besides commands: a proxy's attributes, reply templates, lists of TLS versions
// and of restrictions, filters of DNS lists.  The first byte chooses.
#include "lib/net/tls_versions.h"
#include "smtpd/proxy_attributes.h"
#include "smtpd/reply_template.h"
#include "smtpd/restriction.h"

using namespace facteur;
using namespace facteur::smtpd;

namespace {

std::optional<std::string> value_of(std::string_view name) {
    if (name == "none") return std::nullopt;
    return std::string(name) + "$name${name?{x}}\r\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    Client client;
    Forwarded forwarded;
    switch (data[0] % 5) {
        case 0:
            (void)apply_xclient(client, text);
            break;
        case 1:
            (void)apply_xforward(forwarded, text);
            break;
        case 2:
            if (auto reply = reply_of(text, value_of)) (void)smtp::to_wire(*reply);
            break;
        case 3:
            (void)parse_tls_versions(text);
            break;
        default:
            (void)dnsbl_matches(text, "127.0.0.2");
            (void)parse_restrictions({text, "permit"});
            break;
    }
    return 0;
}
