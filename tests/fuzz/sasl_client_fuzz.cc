// What a server that one logs in to may say: the first byte chooses the mechanism, the lines of the
// rest are its challenges.  Without the password it is never believed.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/text.h"
#include "lib/sasl/client.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::string_view kNames[] = {"SCRAM-SHA-256", "SCRAM-SHA-1",        "CRAM-MD5",
                                           "XOAUTH2",       "SCRAM-SHA-256-PLUS", "OAUTHBEARER"};
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    sasl::ClientConnection connection;
    connection.nonce = "nonce";
    connection.tls_exporter = "binding";
    std::string_view name = kNames[data[0] % std::size(kNames)];
    // Counting through millions of iterations is what PBKDF2 is for, not what is tested here.
    auto rounds = text.find(",i=");
    if (rounds != std::string_view::npos &&
        text.substr(rounds).find_first_not_of("0123456789", 3) > 7)
        return 0;
    auto client = sasl::make_client(name, sasl::Credentials{"u", "p", ""}, connection);
    client->initial_response();
    for (std::string_view challenge : split(text, '\n')) {
        if (!client->respond(challenge)) break;
        if (name.starts_with("SCRAM") && client->finished()) __builtin_trap();
    }
    return 0;
}
