#include "lib/mime/casemap.h"

#include <cstdint>

#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

namespace facteur::mime {

namespace {

/// Some characters become other characters, which become others: never deeper than this.
constexpr int kDeep = 8;

void add_utf8(std::string& out, ucs4_t c) {
    std::uint8_t bytes[6];
    int count = ::u8_uctomb(bytes, c, sizeof bytes);
    if (count > 0)
        out.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
}

// RFC 5051 section 2 step 2: "repeatedly", until nothing is left to decompose.
void add_decomposed(std::string& out, ucs4_t c, int deep) {
    int tag = 0;
    ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
    int count = deep < kDeep ? ::uc_decomposition(c, &tag, parts) : -1;
    if (count < 0) return add_utf8(out, c);
    for (int i = 0; i < count; ++i)
        add_decomposed(out, parts[i], deep + 1);
}

}  // namespace

std::string casemap(std::string_view utf8) {
    std::string out;
    out.reserve(utf8.size());
    for (std::size_t i = 0; i < utf8.size();) {
        char first = utf8[i];
        if (first >= 0) {
            out += first >= 'a' && first <= 'z' ? static_cast<char>(first - 'a' + 'A') : first;
            ++i;
            continue;
        }
        ucs4_t c = 0;
        int count = ::u8_mbtoucr(&c, reinterpret_cast<const std::uint8_t*>(utf8.data() + i),
                                 utf8.size() - i);
        if (count <= 0) {
            out += first;
            ++i;
            continue;
        }
        add_decomposed(out, ::uc_totitle(c), 0);
        i += static_cast<std::size_t>(count);
    }
    return out;
}

}  // namespace facteur::mime
