// What stands in front of a connection from a load balancer.
#include "lib/net/proxy_header.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto header = parse_proxy_header(bytes);
    if (!header || !*header) return 0;
    if ((*header)->size > size) __builtin_trap();
    (void)(*header)->source.text();
    (void)(*header)->destination.text();
    return 0;
}
