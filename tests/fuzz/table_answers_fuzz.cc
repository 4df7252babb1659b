// What servers of tables say, and how keys become queries.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lib/table/answers.h"
#include "lib/table/client_file.h"
#include "lib/table/expansion.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto newline = text.find('\n');
    const std::string_view first = text.substr(0, newline);
    const std::string_view rest =
        newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
    (void)table::parse_tcp_reply(first);
    (void)table::parse_socketmap_reply(text);
    (void)table::parse_netstring_length(first, 100000);
    (void)table::parse_memcache_header(first, rest);
    if (table::percent_decoded(table::percent_encoded(text)) != std::string(text)) std::abort();

    table::Expansion expansion;
    const auto quote = [](std::string_view part) -> Result<std::string> {
        return table::quoted_for_filter(part);
    };
    if (expansion.add_query(first)) (void)expansion.query(0, rest, quote);
    if (expansion.set_result_format(first)) {
        std::string result;
        expansion.append(result, rest, rest);
    }
    // Nothing that ends a string of a filter may come through.
    if (table::quoted_for_filter(text).find_first_of("*()") != std::string::npos) std::abort();
    (void)table::quoted_for_dn(text);
    const auto file = table::ClientFile::of_text(text, "file");
    (void)file.number("timeout", 1, 0, 100);
    (void)file.seconds("timeout", 1);
    (void)file.yes_no("bind", true);
    return 0;
}
