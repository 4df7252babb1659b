#include <cstddef>
#include <cstdint>

#include "lib/net/dns/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using facteur::dns::Type;
    std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (Type type :
         {Type::mx, Type::a, Type::txt, Type::tlsa, Type::cname, Type::ptr, Type::srv}) {
        if (auto answer = facteur::dns::parse_reply(bytes, "mx.test", type)) {
            if (answer->found() == answer->records.empty()) __builtin_trap();
        }
    }
    return 0;
}
