#include "lib/ipc/codec.h"

namespace facteur::ipc::detail {

void put_length(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        out += static_cast<char>(value | 0x80);
    out += static_cast<char>(value);
}

bool take_length(std::string_view& in, std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (in.empty()) return false;
        auto byte = static_cast<unsigned char>(in.front());
        in.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) return shift < 63 || byte <= 1;
    }
    return false;
}

void put_entry(std::string& out, std::string_view name, std::string_view value) {
    out += static_cast<char>(name.size());
    out += name;
    put_length(out, value.size());
    out += value;
}

bool take_entry(std::string_view& in, std::string_view& name, std::string_view& value) {
    std::size_t name_size = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    if (in.size() < name_size) return false;
    name = in.substr(0, name_size);
    in.remove_prefix(name_size);
    std::uint64_t size = 0;
    if (!take_length(in, size) || in.size() < size) return false;
    value = in.substr(0, size);
    in.remove_prefix(size);
    return true;
}

std::unexpected<Error> malformed(std::string_view what) {
    return temporary("malformed or missing attribute in an internal message: " + std::string(what));
}

}  // namespace facteur::ipc::detail
