// MIME structure, preview, envelope, addresses, dates, parameters, encoded words: one input each.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/mime/content_type.h"
#include "lib/mime/date.h"
#include "lib/mime/encoded_word.h"
#include "lib/mime/envelope.h"
#include "lib/mime/part.h"
#include "lib/mime/preview.h"
#include "lib/mime/utf7.h"

namespace {

void check(const facteur::mime::Part& part, std::uint64_t end) {
    if (part.header_offset > part.body_offset || part.body_offset + part.body_size > end)
        std::abort();
    for (const auto& child : part.children)
        check(child, part.body_offset + part.body_size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace facteur::mime;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    Part root = parse_structure(text);
    check(root, size);
    std::string shown = preview(text, root);
    if (!is_utf8(shown)) std::abort();
    parse_envelope(text);
    parse_date(text);
    parse_addresses(text);
    auto parsed = parse_parameterized(text);
    parameter(parsed.parameters, "filename");
    if (!is_utf8(decode_words(text))) std::abort();
    if (auto utf8 = utf7_to_utf8(text)) {
        if (utf8_to_utf7(*utf8) != text) std::abort();
    }
    return 0;
}
