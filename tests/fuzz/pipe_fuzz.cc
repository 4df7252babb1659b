// The arguments of a pipe transport, made from what master.cf says and addresses of strangers.
#include <cstdlib>
#include <string>
#include <vector>

#include "lib/base/text.h"
#include "lmtp-local/pipe_form.h"
#include "lmtp-local/pipe_options.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace facteur;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    std::vector<std::string> words;
    for (std::string_view word : split(text.substr(0, text.find('\0')), '\n'))
        words.emplace_back(word);
    auto options = lmtp_local::parse_pipe_options(words);
    ipc::Job job;
    job.sender = text;
    for (int i = 0; i < 2; ++i) {
        ipc::JobRecipient recipient;
        recipient.address = text.substr(text.size() / 2);
        job.recipients.push_back(recipient);
    }
    if (options) {
        // Each word comes once, or at most once for each recipient.
        auto out = lmtp_local::pipe_arguments(*options, job, "+-");
        if (out.size() > 2 * options->argv.size()) std::abort();
    }
    lmtp_local::PipeForm whole("\r\n", true, true);
    lmtp_local::PipeForm pieces("\r\n", true, true);
    std::string joined;
    for (char c : text)
        joined += pieces.encode(std::string_view(&c, 1));
    if (whole.encode(text) != joined) std::abort();
    return 0;
}
