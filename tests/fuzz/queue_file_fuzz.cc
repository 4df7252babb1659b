// Queue files, of deferred/ and of maildrop/, which any local user may have written.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/spool/queue_file.h"

using namespace facteur::spool;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    (void)decode_file_header(input);
    if (auto trailer = decode_trailer(input)) {
        const Story& story = trailer->story;
        if (story.progress.size() != story.envelope.recipients.size()) std::abort();
        if (trailer->good > size) std::abort();
    }
    if (auto envelope = parse_envelope(input)) {
        // What is understood is written so that it is understood the same again.
        auto again = parse_envelope(to_text(*envelope));
        if (!again || *again != *envelope) std::abort();
        Story story(*envelope);
        (void)apply_step(story, input);
        if (story.progress.size() != story.envelope.recipients.size()) std::abort();
    }
    return 0;
}
