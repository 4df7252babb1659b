// The transparency of DATA in both directions, in blocks of any size.
#include <cstdlib>

#include "lib/smtp/header_scan.h"
#include "lib/smtp/transparency.h"

using namespace facteur::smtp;

namespace {

std::string decode(std::string_view wire, std::size_t block, DotDecoder& decoder) {
    std::string content;
    while (!wire.empty() && !decoder.done())
        wire.remove_prefix(decoder.decode(wire.substr(0, block), content));
    return content;
}

void round_trip(std::string_view content, std::size_t block) {
    DotEncoder encoder;
    std::string wire;
    for (std::size_t at = 0; at < content.size(); at += block)
        encoder.encode(content.substr(at, block), wire);
    encoder.finish(wire);
    DotDecoder decoder;
    const std::string back = decode(wire, wire.size(), decoder);
    // Whatever is sent ends exactly where it should, for any peer.
    if (!decoder.done() || decoder.strays().bare_cr || decoder.strays().bare_lf) std::abort();
    if (wire.find("\r\n.\r\n") != std::string::npos && wire.find("\r\n.\r\n") + 5 != wire.size())
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size < 1) return 0;
    const std::size_t block = 1 + data[0] % 64;
    const std::string_view wire(reinterpret_cast<const char*>(data) + 1, size - 1);
    for (const auto mode : {DotDecoder::BareLf::keep, DotDecoder::BareLf::normalize}) {
        DotDecoder whole(mode);
        DotDecoder parts(mode);
        const std::string content = decode(wire, wire.size(), whole);
        if (decode(wire, block, parts) != content || parts.done() != whole.done()) std::abort();
        if (parts.strays().any() != whole.strays().any()) std::abort();
        HeaderScan header;
        header.scan(content);
    }
    StrayScan strays;
    for (std::size_t at = 0; at < wire.size(); at += block)
        strays.scan(wire.substr(at, block));
    strays.finish();
    round_trip(wire, block);
    return 0;
}
