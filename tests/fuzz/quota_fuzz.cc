#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/store/quota/maildirsize.h"

/// Any bytes as a quota rule, a warning and the file maildirsize.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace facteur::store::quota;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto file = parse_maildirsize(text)) {
        if (file->usage.bytes < 0 || file->usage.messages < 0) __builtin_trap();
    }
    (void)parse_warning(text);
    (void)parse_rule(text);
    const std::string setting("quota_rule2=" + std::string(text));
    auto rules = Rules::parse({"quota=maildir", "quota_rule=*:storage=1G", setting});
    if (rules && *rules) (void)(*rules)->limits_in("Trash");
    return 0;
}
