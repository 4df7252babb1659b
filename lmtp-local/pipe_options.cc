#include "lmtp-local/pipe_options.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string_view>

#include "lib/base/text.h"
#include "lmtp-local/pipe_macros.h"

namespace facteur::lmtp_local {
namespace {

using Flag = bool PipeOptions::*;

constexpr std::pair<char, Flag> kFlags[] = {
    {'B', &PipeOptions::blank_line},  {'D', &PipeOptions::delivered_to},
    {'F', &PipeOptions::from_line},   {'O', &PipeOptions::original_to},
    {'R', &PipeOptions::return_path}, {'X', &PipeOptions::final_delivery},
    {'h', &PipeOptions::fold_domain}, {'q', &PipeOptions::quote},
    {'u', &PipeOptions::fold_local},  {'.', &PipeOptions::dots},
    {'>', &PipeOptions::quote_from},
};

void take_flags(PipeOptions& options, std::string_view letters) {
    for (char letter : letters) {
        if (letter == ' ' || letter == '\t' || letter == ',') continue;
        auto known = std::find_if(std::begin(kFlags), std::end(kFlags),
                                  [letter](const auto& flag) { return flag.first == letter; });
        if (known != std::end(kFlags)) {
            options.*known->second = true;
        } else {
            options.warnings.push_back("flags: unknown flag " +
                                       printable(std::string_view(&letter, 1)) + " (ignored)");
        }
    }
}

/// C-style escapes: \a \b \f \n \r \t \v \ddd and \\.
std::string unescaped(std::string_view text) {
    constexpr std::string_view kLetters = "abfnrtv";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v";
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\' || at + 1 == text.size()) {
            out += text[at];
            continue;
        }
        const char next = text[++at];
        if (std::size_t letter = kLetters.find(next); letter != std::string_view::npos) {
            out += kMeanings[letter];
        } else if (next >= '0' && next <= '7') {
            unsigned code = 0;
            std::size_t end = std::min(text.size(), at + 3);
            for (; at < end && text[at] >= '0' && text[at] <= '7'; ++at)
                code = code * 8 + static_cast<unsigned>(text[at] - '0');
            --at;
            out += static_cast<char>(code & 0xffU);
        } else {
            out += next;
        }
    }
    return out;
}

void take_user(PipeOptions& options, std::string_view value) {
    // "user.group" is how Postfix wrote it once; names with a dot are more frequent by now.
    std::size_t colon = value.find(':');
    options.user = value.substr(0, colon);
    if (colon != std::string_view::npos) options.group = value.substr(colon + 1);
}

/// One attribute but argv=.
Result<void> take(PipeOptions& options, std::string_view name, std::string_view value) {
    if (name == "flags") {
        take_flags(options, value);
    } else if (name == "user") {
        take_user(options, value);
    } else if (name == "directory") {
        options.directory = value;
    } else if (name == "chroot") {
        options.chroot = value;
    } else if (name == "eol") {
        options.eol = unescaped(value);
    } else if (name == "null_sender") {
        options.null_sender = value;
    } else if (name == "size") {
        auto size = parse_number(value);
        if (!size) return permanent("bad size= value: " + printable(value));
        options.size_limit = *size;
    } else {
        return permanent("unknown attribute name: " + printable(name) +
                         "; pipe(8) knows flags, user, directory, chroot, eol, null_sender, size "
                         "and, as the last one, argv");
    }
    return {};
}

Result<void> review(const PipeOptions& options) {
    if (options.user.empty()) return permanent("missing user= command-line attribute");
    if (options.argv.empty() || options.argv.front().empty())
        return permanent("missing argv= command-line attribute");
    for (const std::string& word : options.argv) {
        if (auto unknown = unknown_pipe_macro(word))
            return permanent("unknown macro name: \"" + printable(*unknown) + "\"");
    }
    for (const std::string* path : {&options.directory, &options.chroot}) {
        if (!path->empty() && path->front() != '/')
            return permanent("not an absolute path: " + printable(*path));
    }
    return {};
}

}  // namespace

Result<PipeOptions> parse_pipe_options(const std::vector<std::string>& words) {
    PipeOptions options;
    for (auto word = words.begin(); word != words.end(); ++word) {
        std::size_t equals = word->find('=');
        if (equals == std::string::npos)
            return permanent("attribute without value: " + printable(*word));
        std::string_view value = std::string_view(*word).substr(equals + 1);
        if (word->substr(0, equals) == "argv") {
            if (!value.empty()) options.argv.emplace_back(value);
            options.argv.insert(options.argv.end(), word + 1, words.end());
            break;
        }
        TRY_VOID(take(options, std::string_view(*word).substr(0, equals), value));
    }
    TRY_VOID(review(options));
    return options;
}

}  // namespace facteur::lmtp_local
