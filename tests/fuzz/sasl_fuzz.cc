// SASL mechanisms: the first byte chooses, NUL-free lines of the rest are the client's responses.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/base/text.h"
#include "lib/sasl/mechanism.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    auto server = sasl::make_server(data[0] & 1 ? "PLAIN" : "LOGIN");
    if (data[0] & 2) server->step(std::nullopt);
    for (std::string_view response : split(text, '\n')) {
        auto step = server->step(response);
        const auto* check = std::get_if<sasl::CheckPassword>(&step);
        if (check && (check->user.empty() || check->user.size() > sasl::kMaxField))
            __builtin_trap();
        if (!std::holds_alternative<sasl::Challenge>(step)) break;
    }
    return 0;
}
