#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"
#include "lib/table/dictionary.h"

namespace facteur::table {

/// What one pattern of a regexp:, pcre: or cidr: table found in a key.
struct Match {
    /// The key's part for each group; [0] is the whole match.  Empty for cidr:.
    std::vector<std::string_view> groups;
};

/// One pattern, compiled.
class Pattern {
public:
    virtual ~Pattern() = default;
    virtual Result<std::optional<Match>> match(std::string_view key) const = 0;
    /// A pattern of another kind than the key matches nothing, even behind `!`: an IPv6 address is
    /// not "not in 10.0.0.0/8".
    virtual bool concerns(std::string_view) const { return true; }
    /// Number of groups that a result text may name; -1: it is not expanded at all.
    virtual int groups() const = 0;
};

/// Compiles what stands on a line: takes the pattern off the front of the text.
class PatternLanguage {
public:
    virtual ~PatternLanguage() = default;
    virtual Result<std::unique_ptr<Pattern>> take(std::string_view& text) const = 0;
};

/// A table of rules that are tried in order, with `if` … `endif` around some of them and `!` for
/// "does not match": regexp_table(5), pcre_table(5), cidr_table(5).
class RuleTable : public Dictionary {
public:
    /// Lines that cannot be read are left out and named in problems.
    RuleTable(std::string name, std::string_view text, const PatternLanguage& language,
              std::vector<conf::Problem>& problems);
    bool has_patterns() const override { return true; }
    Found find(std::string_view key) override;

private:
    struct Rule {
        enum class Kind { result, condition, end } kind = Kind::result;
        bool negated = false;
        std::unique_ptr<Pattern> pattern;
        std::string result;
        std::size_t after_endif = 0;  ///< condition: where to go on when it does not hold
    };
    class Reader;
    std::vector<Rule> rules_;
};

/// `$1`, `${1}`, `$(1)` and `$$` in a result text; an Error names what is wrong.
Result<std::string> substitute(std::string_view text, const std::vector<std::string_view>& groups);
/// The same without groups at hand: is the text right for a pattern with that many groups?
Result<void> check_substitution(std::string_view text, int groups);

/// A `/pattern/flags` off the front of text, any delimiter that is not a letter or digit.
struct Delimited {
    std::string pattern;
    std::string flags;
};
Result<Delimited> take_delimited(std::string_view& text);

std::unique_ptr<PatternLanguage> posix_patterns();  ///< regexp:
std::unique_ptr<PatternLanguage> perl_patterns();   ///< pcre:
std::unique_ptr<PatternLanguage> networks();        ///< cidr:

}  // namespace facteur::table
