#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "lib/base/text.h"
#include "lmtp-local/command.h"

namespace facteur::lmtp_local {
namespace {

struct Meaning {
    int code;
    const char* status;
    const char* text;
};

/// As Postfix's sys_exits.c has it.
constexpr Meaning kMeanings[] = {
    {EX_USAGE, "5.3.0", "command line usage error"},
    {EX_DATAERR, "5.6.0", "data format error"},
    {EX_NOINPUT, "5.3.0", "cannot open input"},
    {EX_NOUSER, "5.1.1", "user unknown"},
    {EX_NOHOST, "5.1.2", "host name unknown"},
    {EX_UNAVAILABLE, "5.3.0", "service unavailable"},
    {EX_SOFTWARE, "5.3.0", "internal software error"},
    {EX_OSERR, "4.3.0", "system resource problem"},
    {EX_OSFILE, "5.3.0", "critical OS file missing"},
    {EX_CANTCREAT, "5.2.0", "can't create user output file"},
    {EX_IOERR, "5.3.0", "input/output error"},
    {EX_TEMPFAIL, "4.3.0", "temporary failure"},
    {EX_PROTOCOL, "5.5.0", "remote error in protocol"},
    {EX_NOPERM, "5.7.0", "permission denied"},
    {EX_CONFIG, "5.3.5", "local configuration error"},
};

std::unexpected<Error> error_of(std::string status, std::string text) {
    if (status.starts_with('4')) return temporary(std::move(text), std::move(status));
    return permanent(std::move(text), std::move(status));
}

/// "5.7.1" at the start of the text (RFC 3463 section 2), and what follows it.
std::optional<std::pair<std::string, std::string>> status_in(std::string_view text) {
    std::string_view word = text.substr(0, text.find(' '));
    auto parts = split(word, '.');
    if (parts.size() != 3 || (parts[0] != "4" && parts[0] != "5")) return std::nullopt;
    for (std::string_view part : parts)
        if (part.empty() || part.size() > 3 || !parse_number(part)) return std::nullopt;
    return std::pair(std::string(word), std::string(trim(text.substr(word.size()))));
}

}  // namespace

Result<void> judge_command(const std::string& command, const Ended& ended) {
    std::string output = ended.output;
    std::replace(output.begin(), output.end(), '\n', ' ');
    output = printable(trim(output), 1000);
    const std::string also = output.empty() ? "" : ". Command output: " + output;
    const std::string name = printable(command, 200);
    if (ended.timed_out)
        return permanent(fmt::format("Command time limit exceeded: \"{}\"{}", name, also), "5.3.0");
    if (WIFSIGNALED(ended.status)) {
        return temporary(fmt::format("Command died with signal {}: \"{}\"{}",
                                     WTERMSIG(ended.status), name, also),
                         "4.3.0");
    }
    const int code = WEXITSTATUS(ended.status);
    if (code == EX_OK) return {};
    if (auto said = status_in(output)) return error_of(said->first, said->second);
    for (const Meaning& meaning : kMeanings) {
        if (meaning.code == code) return error_of(meaning.status, meaning.text + also);
    }
    return permanent(fmt::format("Command died with status {}: \"{}\"{}", code, name, also),
                     "5.3.0");
}

}  // namespace facteur::lmtp_local
