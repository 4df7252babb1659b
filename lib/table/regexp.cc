#include <regex.h>

#include "lib/base/text.h"
#include "lib/table/rules.h"

namespace facteur::table {
namespace {

class PosixPattern : public Pattern {
public:
    PosixPattern() = default;
    ~PosixPattern() override {
        if (compiled_) regfree(&regex_);
    }
    Result<void> compile(const std::string& pattern, int options) {
        const int code = regcomp(&regex_, pattern.c_str(), options);
        if (code != 0) {
            char text[200];
            regerror(code, &regex_, text, sizeof text);
            return permanent("/" + printable(pattern, 60) + "/: " + text);
        }
        compiled_ = true;
        return {};
    }
    int groups() const override { return static_cast<int>(regex_.re_nsub); }
    Result<std::optional<Match>> match(std::string_view key) const override {
        std::vector<regmatch_t> found(regex_.re_nsub + 1);
        const std::string text(key);
        if (text.find('\0') != std::string::npos) return std::nullopt;
        const int code = regexec(&regex_, text.c_str(), found.size(), found.data(), 0);
        if (code == REG_NOMATCH) return std::nullopt;
        if (code != 0) return temporary("the matching ran out of memory");
        Match match;
        for (const regmatch_t& group : found) {
            match.groups.push_back(
                group.rm_so < 0 ? std::string_view()
                                : key.substr(static_cast<std::size_t>(group.rm_so),
                                             static_cast<std::size_t>(group.rm_eo - group.rm_so)));
        }
        return match;
    }

private:
    regex_t regex_{};
    bool compiled_ = false;
};

// regexp_table(5): extended and case-insensitive unless a flag says otherwise.
class PosixLanguage : public PatternLanguage {
public:
    Result<std::unique_ptr<Pattern>> take(std::string_view& text) const override {
        TRY(Delimited found, take_delimited(text));
        int options = REG_EXTENDED | REG_ICASE;
        for (char flag : found.flags) {
            switch (flag) {
                case 'i':
                    options ^= REG_ICASE;
                    break;
                case 'm':
                    options ^= REG_NEWLINE;
                    break;
                case 'x':
                    options ^= REG_EXTENDED;
                    break;
                default:
                    return permanent("unknown flag '" + printable({&flag, 1}) + "'; i, m, x");
            }
        }
        auto pattern = std::make_unique<PosixPattern>();
        TRY_VOID(pattern->compile(found.pattern, options));
        return pattern;
    }
};

}  // namespace

std::unique_ptr<PatternLanguage> posix_patterns() {
    return std::make_unique<PosixLanguage>();
}

}  // namespace facteur::table
