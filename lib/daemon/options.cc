#include "lib/daemon/options.h"

#include "lib/base/text.h"

namespace facteur::daemon {
namespace {

Result<void> take_override(Options& options, const std::string& text) {
    auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        return permanent("-o wants name=value, not " + text);
    std::string name(trim(std::string_view(text).substr(0, equals)));
    options.overrides.emplace_back(std::move(name),
                                   trim(std::string_view(text).substr(equals + 1)));
    return {};
}

Result<void> take_valued(Options& options, char option, const std::string& value) {
    if (option == 'o') return take_override(options, value);
    if (option == 'n') {
        options.service = value;
        return {};
    }
    auto number = parse_number(value);
    if (!number || *number > 0xffff) return permanent("-i wants a small number, not " + value);
    options.slot = static_cast<unsigned>(*number);
    return {};
}

Result<void> take_flag(Options& options, const std::string& text) {
    if (text == "-c")
        options.chroot = true;
    else if (text == "-p")
        options.privileged = true;
    else if (text == "-v")
        options.debug = true;
    else if (text == "--parameters")
        options.parameters = true;
    else if (text == "--check")
        options.check = true;
    else
        return permanent("unknown option " + text);
    return {};
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& words) {
    Options options;
    std::size_t at = 0;
    for (; at < words.size() && words[at].starts_with('-'); ++at) {
        const std::string& word = words[at];
        bool valued = word.size() >= 2 && (word[1] == 'n' || word[1] == 'i' || word[1] == 'o');
        if (!valued) {
            TRY_VOID(take_flag(options, word));
        } else if (word.size() > 2) {
            TRY_VOID(take_valued(options, word[1], word.substr(2)));
        } else if (++at < words.size()) {
            TRY_VOID(take_valued(options, word[1], words[at]));
        } else {
            return permanent(word + " wants a value");
        }
    }
    options.arguments.assign(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
    return options;
}

}  // namespace facteur::daemon
