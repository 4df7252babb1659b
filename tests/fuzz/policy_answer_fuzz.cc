// What a policy server answers, line by line, and where main.cf names such servers.
#include "lib/base/text.h"
#include "policyd/delegation.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    policyd::AnswerReader reader;
    for (const std::string_view line : split(text, '\n')) {
        const auto done = reader.add(line);
        if (!done || *done) break;
    }
    (void)reader.action();
    if (size < 4096) (void)policyd::server_names(text);
    (void)policyd::request_text({std::string(text)});
    return 0;
}
