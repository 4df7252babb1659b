#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "lib/base/text.h"
#include "lib/table/rules.h"

namespace facteur::table {
namespace {

/// A pattern like (a+)+$ must not stop the daemon: about a millisecond's worth of steps.
constexpr std::uint32_t kMatchLimit = 1000000;

std::string_view as_text(PCRE2_SPTR start, std::size_t size) {
    return {reinterpret_cast<const char*>(start), size};
}

class PerlPattern : public Pattern {
public:
    PerlPattern() = default;
    ~PerlPattern() override {
        pcre2_match_data_free(data_);
        pcre2_match_context_free(context_);
        pcre2_code_free(code_);
    }
    Result<void> compile(const std::string& pattern, std::uint32_t options) {
        int error = 0;
        PCRE2_SIZE offset = 0;
        code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options,
                              &error, &offset, nullptr);
        if (!code_) {
            PCRE2_UCHAR text[200];
            pcre2_get_error_message(error, text, sizeof text);
            return permanent("/" + printable(pattern, 60) + "/ at offset " +
                             std::to_string(offset) + ": " + reinterpret_cast<const char*>(text));
        }
        pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);
        pcre2_pattern_info(code_, PCRE2_INFO_CAPTURECOUNT, &count_);
        data_ = pcre2_match_data_create_from_pattern(code_, nullptr);
        context_ = pcre2_match_context_create(nullptr);
        if (!data_ || !context_) return temporary("no memory for a pattern");
        pcre2_set_match_limit(context_, kMatchLimit);
        return {};
    }
    int groups() const override { return static_cast<int>(count_); }
    Result<std::optional<Match>> match(std::string_view key) const override {
        const auto* subject = reinterpret_cast<PCRE2_SPTR>(key.data());
        const int code = pcre2_match(code_, subject, key.size(), 0, 0, data_, context_);
        if (code == PCRE2_ERROR_NOMATCH) return std::nullopt;
        if (code < 0) {
            return temporary("a pattern takes too long for \"" + printable(key, 60) + "\" (error " +
                             std::to_string(code) + ")");
        }
        const PCRE2_SIZE* places = pcre2_get_ovector_pointer(data_);
        Match match;
        for (std::size_t i = 0; i <= count_; ++i) {
            const bool set = static_cast<int>(i) < code && places[2 * i] != PCRE2_UNSET;
            match.groups.push_back(
                set ? as_text(subject + places[2 * i], places[2 * i + 1] - places[2 * i])
                    : std::string_view());
        }
        return match;
    }

private:
    pcre2_code* code_ = nullptr;
    pcre2_match_data* data_ = nullptr;
    pcre2_match_context* context_ = nullptr;
    std::uint32_t count_ = 0;
};

// pcre_table(5): case-insensitive, and the dot matches a newline, unless a flag says otherwise.
class PerlLanguage : public PatternLanguage {
public:
    Result<std::unique_ptr<Pattern>> take(std::string_view& text) const override {
        TRY(Delimited found, take_delimited(text));
        std::uint32_t options = PCRE2_CASELESS | PCRE2_DOTALL;
        for (char flag : found.flags) {
            switch (flag) {
                case 'i':
                    options ^= PCRE2_CASELESS;
                    break;
                case 'm':
                    options ^= PCRE2_MULTILINE;
                    break;
                case 's':
                    options ^= PCRE2_DOTALL;
                    break;
                case 'x':
                    options ^= PCRE2_EXTENDED;
                    break;
                case 'A':
                    options ^= PCRE2_ANCHORED;
                    break;
                case 'E':
                    options ^= PCRE2_DOLLAR_ENDONLY;
                    break;
                case 'U':
                    options ^= PCRE2_UNGREEDY;
                    break;
                case 'X':
                    break;  // PCRE2 always has what this asked for
                default:
                    return permanent("unknown flag '" + printable({&flag, 1}) +
                                     "'; i, m, s, x, A, E, U, X");
            }
        }
        auto pattern = std::make_unique<PerlPattern>();
        TRY_VOID(pattern->compile(found.pattern, options));
        return pattern;
    }
};

}  // namespace

std::unique_ptr<PatternLanguage> perl_patterns() {
    return std::make_unique<PerlLanguage>();
}

}  // namespace facteur::table
