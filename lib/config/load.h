#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/config/main_cf.h"
#include "lib/config/param.h"

namespace facteur::conf {

/// The values of parameters by name, expanded: what main.cf says, else the default.
class Values {
public:
    Values(const MainCf& file, const Params& params) : file_(file), params_(params) {}
    /// Empty for a name that nobody knows, as in Postfix.
    std::string get(std::string_view name) const;
    /// Expands `$name` and its relatives in text; an Error on wrong syntax or endless nesting.
    Result<std::string> expand(std::string_view text) const;
    /// Whether main.cf (or an override) sets it.
    bool is_set(std::string_view name) const { return file_.find(name) != nullptr; }
    /// The unexpanded value; nothing for a name that nobody knows.
    std::optional<std::string> raw(std::string_view name) const;

private:
    const MainCf& file_;
    const Params& params_;
    mutable int depth_ = 0;  ///< of derived defaults that ask for each other
};

/// Fills the section from main.cf; each wrong value is a Problem and leaves the default.
/// Also settles `$name` in defaults, so call it with an empty MainCf where there is no file.
std::vector<Problem> load(Section& section, const MainCf& file);

/// Settings for a test: `conf::load_text(settings, "smtpd_timeout = 5s\n")`.
std::vector<Problem> load_text(Section& section, std::string_view main_cf);

/// The table of a section for the tools: one line a parameter, fields separated by TAB:
/// name, type, unit, default, allowed, description, suffix (per_service.h).  Every daemon prints it
/// when called with
/// `--parameters`; that is how `facteur conf`, `facteur check` and the manual learn what all
/// daemons know without including any of them.
std::string parameter_table(const Section& section);

}  // namespace facteur::conf
