// Addresses are chosen by strangers; what is asked of tables must stay short and in order.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/table/address_keys.h"
#include "lib/table/network.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace facteur::table;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const AddressParts parts = split_address(text, "+-");
    const auto domain = text.find('@') == std::string_view::npos ? "" : "@" + parts.domain;
    if (parts.local + parts.extension + domain != text) __builtin_trap();
    for (bool flag : {false, true}) {
        if (address_keys(text, "+-", flag).front().text != text) __builtin_trap();
        if (access_address_keys(text, "+-", flag).front().text != text) __builtin_trap();
        if (domain_keys(text, flag).front().text != text) __builtin_trap();
        if (transport_keys(text, "+-", flag).back().text != "*") __builtin_trap();
    }
    if (network_keys(text).front().text != text) __builtin_trap();
    if (auto network = Network::parse(text)) {
        if (!network->contains(network->bytes())) __builtin_trap();
    }
    return 0;
}
