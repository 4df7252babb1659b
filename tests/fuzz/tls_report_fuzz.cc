// The record that says who wants TLS reports.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/text.h"
#include "lib/smtp/tls_report.h"

using namespace facteur;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);  // NOLINT
    std::vector<std::string> texts;
    for (std::string_view one : split(text, '\0'))
        texts.emplace_back(one);
    const smtp::ReportTargets targets = smtp::report_targets(texts);
    for (const std::string& address : targets.addresses) {
        if (address.find_first_of("\r\n <>") != std::string::npos) __builtin_trap();
    }
    for (const std::string& url : targets.urls) {
        if (url.find_first_of("\r\n <>") != std::string::npos) __builtin_trap();
        if (!smtp::parse_report_url(url)) __builtin_trap();
    }
    return 0;
}
