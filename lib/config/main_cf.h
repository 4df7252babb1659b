#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace facteur::conf {

/// Something wrong in a configuration file: where, what, and what to write instead.
struct Problem {
    enum class Level { note, warning, error };
    Level level = Level::error;
    std::string file;
    int line = 0;  ///< 0: not a matter of one line
    std::string text;
    /// "/etc/facteur/main.cf, line 12: text", as Postfix words it.
    std::string where_and_what() const;
};

/// One `name = value` as written, not expanded.
struct Setting {
    std::string value;
    int line = 0;
    std::string file;  ///< or "master.cf: -o" for an override
};

/// The text of main.cf as name and value pairs (postconf(5): comments, continuation lines, the
/// last of several settings of one name wins).
class MainCf {
public:
    MainCf() = default;
    /// Never fails: what cannot be read is in problems().
    static MainCf parse(std::string_view text, std::string file);
    /// A later setting from elsewhere: `-o name=value` in master.cf or on the command line.
    void override_with(std::string_view name, std::string_view value,
                       std::string_view from = "command line");

    /// Replaces a setting, or makes it.
    void set(const std::string& name, Setting setting) {
        settings_.insert_or_assign(name, std::move(setting));
    }
    template <class Condition>
    void remove_if(Condition condition) {
        std::erase_if(settings_,
                      [&](const auto& each) { return condition(each.first, each.second); });
    }

    const Setting* find(std::string_view name) const;
    const std::map<std::string, Setting, std::less<>>& settings() const { return settings_; }
    const std::vector<Problem>& problems() const { return problems_; }
    const std::string& file() const { return file_; }

private:
    void take(std::string_view logical_line, int line);

    std::string file_;
    std::map<std::string, Setting, std::less<>> settings_;
    std::vector<Problem> problems_;
};

/// One logical line of main.cf, master.cf or a table: continuation lines joined, comments and
/// empty lines dropped.
struct LogicalLine {
    std::string text;
    int line = 0;       ///< of its first physical line
    int last_line = 0;  ///< of its last one
};
/// Splits a text into its logical lines (postconf(5), "comments" and "continuation lines").
std::vector<LogicalLine> logical_lines(std::string_view text);

}  // namespace facteur::conf
