// The text forms of tables: postmap's, aliases(5), inline:, regexp:, pcre: and cidr: rules.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lib/table/key_values.h"
#include "lib/table/rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace facteur::table;
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    std::vector<facteur::conf::Problem> problems;
    std::string_view key = text.substr(0, text.find('\n'));
    switch (data[0] % 6) {
        case 0:
            for (const Entry& entry : parse_map(text, "f").entries)
                if (entry.key.empty() || entry.value.empty()) __builtin_trap();
            break;
        case 1:
            for (const Entry& entry : parse_aliases(text, "f").entries)
                if (entry.key.empty() || entry.value.empty()) __builtin_trap();
            break;
        case 2:
            (void)parse_inline(text);
            break;
        case 3:
            // regcomp(3) of glibc takes memory without bound for repeated repetitions; the rules
            // are the administrator's own.
            if (text.find_first_of("+*?{") != text.find_last_of("+*?{")) break;
            (void)RuleTable("regexp:f", text, *posix_patterns(), problems).find(key);
            break;
        case 4:
            (void)RuleTable("pcre:f", text, *perl_patterns(), problems).find(key);
            break;
        default:
            (void)RuleTable("cidr:f", text, *networks(), problems).find(key);
            break;
    }
    return 0;
}
