// What a server answers, line by line.
#include "lib/smtp/reply.h"

using namespace facteur::smtp;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    ReplyReader reader;
    while (!text.empty()) {
        const std::size_t lf = text.find('\n');
        const auto last = reader.add(text.substr(0, lf));
        if (!last) return 0;
        if (*last) (void)to_wire(reader.take());
        text.remove_prefix(lf == std::string_view::npos ? text.size() : lf + 1);
    }
    return 0;
}
