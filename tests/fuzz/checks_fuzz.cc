// The walker of the content checks: whatever comes, in whatever blocks, what it finds stands in the
// content in order and nothing overlaps.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lib/checks/action.h"
#include "lib/checks/walker.h"

using namespace facteur::checks;

namespace {

class Ordered : public Sink {
public:
    bool wants_body(std::uint64_t offset) const override { return offset < 5000; }
    void found(Item item) override {
        if (item.at < end || item.at + item.size > size) abort();
        if (item.text.size() > 400) abort();
        end = item.at + item.size;
        ++items;
    }
    std::uint64_t end = 0;
    std::uint64_t size = 0;
    std::uint64_t items = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t step = data[0] + 1U;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    WalkerOptions options;
    options.nesting = 4;
    options.boundary = 20;
    options.header = 300;
    options.line = 60;
    options.report_nesting = options.report_encoding_domain = options.report_eight_bit_header =
        true;
    Ordered whole, blocks;
    whole.size = blocks.size = text.size();
    Walker once(options, whole);
    once.feed(text);
    once.finish();
    Walker stepwise(options, blocks);
    for (std::size_t at = 0; at < text.size(); at += step)
        stepwise.feed(text.substr(at, step));
    stepwise.finish();
    if (whole.items != blocks.items || whole.end != blocks.end) abort();
    if (once.fault() != stepwise.fault() || once.header_end() != stepwise.header_end()) abort();
    (void)parse_action(text, data[0] & 1, static_cast<Place>(data[0] % 3));
    return 0;
}
