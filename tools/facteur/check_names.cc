#include "tools/facteur/check_names.h"

#include <algorithm>
#include <utility>

#include "lib/base/text.h"
#include "lib/config/expand.h"
#include "lib/config/param.h"

namespace facteur::tool {

using conf::Problem;
using Verdict = PostfixParameter::Verdict;

void NameCheck::add(Problem::Level level, const conf::Setting& setting, std::string text) {
    problems_.push_back(Problem{level, setting.file, setting.line, std::move(text)});
}

/// A name that nobody knows is allowed when another value uses it ("$name"), as in Postfix.
void NameCheck::collect_used() {
    auto note = [&](std::string_view name) { used_.emplace(name); };
    if (const conf::Setting* classes = main_cf_.find("smtpd_restriction_classes"))
        for (const std::string& name : conf::parse_list(classes->value))
            note(name);
    for (const auto& [name, setting] : main_cf_.settings()) {
        conf::each_name(setting.value, note);
        note_table_parameters(setting.value);
    }
    for (const conf::ServiceLine& line : master_cf_.services)
        for (const auto& [name, value] : line.overrides) {
            conf::each_name(value, note);
            note_table_parameters(value);
        }
}

/// ldap:users takes its settings from users_server_host and its like, when it is no file's name.
void NameCheck::note_table_parameters(std::string_view value) {
    static constexpr std::string_view kTypes[] = {"ldap", "mysql", "pgsql", "sqlite", "memcache"};
    for (const std::string& word : conf::parse_list(value)) {
        std::string_view table(word);
        // unionmap:{ldap:a,pgsql:b}, { check_client_access pgsql:c }
        const auto open = table.find('{');
        if (open != std::string_view::npos && table.ends_with('}'))
            note_table_parameters(table.substr(open + 1, table.size() - open - 2));
        while (table.starts_with("proxy:"))
            table.remove_prefix(6);
        for (std::string_view type : kTypes) {
            if (!table.starts_with(type) || !table.substr(type.size()).starts_with(':')) continue;
            const std::string_view name = table.substr(type.size() + 1);
            if (!name.empty() && name[0] != '/') table_prefixes_.insert(std::string(name) + "_");
        }
    }
}

bool NameCheck::is_used(std::string_view name) const {
    if (used_.contains(name)) return true;
    return std::any_of(table_prefixes_.begin(), table_prefixes_.end(),
                       [&](const std::string& prefix) { return name.starts_with(prefix); });
}

bool NameCheck::has_service(std::string_view name) const {
    return std::any_of(master_cf_.services.begin(), master_cf_.services.end(),
                       [&](const conf::ServiceLine& line) { return line.name == name; });
}

std::string NameCheck::nearest(const std::string& name) const {
    std::string best = known_.nearest(name);
    std::size_t least = best.empty() ? 2 + name.size() / 8 : edit_distance(name, best);
    for (const auto& [candidate, row] : table_.all()) {
        if (edit_distance(name, candidate) >= least) continue;
        least = edit_distance(name, candidate);
        best = candidate;
    }
    return best;
}

void NameCheck::judge(const std::string& name, const conf::Setting& setting) {
    const PostfixParameter* row = table_.find(name);
    if (!row) {
        const std::string other = nearest(name);
        return add(Problem::Level::warning, setting,
                   "unknown parameter \"" + name + "\"" +
                       (other.empty() ? ": remove the line" : ": did you mean " + other + "?"));
    }
    const std::string why(row->text);
    if (row->verdict == Verdict::meaningless)
        return add(Problem::Level::note, setting, name + " changes nothing: " + why);
    // What Postfix does by default is what is done here, or it is said in the reason.
    const bool is_default = trim(setting.value) == row->default_text;
    add(is_default ? Problem::Level::note : Problem::Level::error, setting,
        name + (is_default ? " has its default, but is not supported: " : " is not supported: ") +
            why);
}

void NameCheck::check_main_cf() {
    for (const auto& [name, setting] : main_cf_.settings()) {
        if (known_.find(name) || is_used(name)) continue;
        const auto own = known_.find_for_service(name);
        if (own.known && has_service(own.service)) continue;
        if (own.known) {
            add(Problem::Level::warning, setting,
                name + ": master.cf has no service \"" + std::string(own.service) +
                    "\": remove the line or correct the name");
            continue;
        }
        judge(name, setting);
    }
}

/// A daemon reads what it declares; -o with anything else would be forgotten without a word.
void NameCheck::check_overrides(const conf::ServiceLine& line) {
    const std::string program = line.command.substr(line.command.rfind('/') + 1);
    for (const auto& [name, value] : line.overrides) {
        conf::Setting setting{value, line.line, file_};
        const Known* known = known_.find(name);
        const auto& programs = known ? known->programs : std::vector<std::string>();
        if (std::find(programs.begin(), programs.end(), program) != programs.end()) continue;
        if (known)
            add(Problem::Level::warning, setting,
                "-o " + name + ": " + program + " does not read it, " + join(programs, ", ") +
                    " does: write it in main.cf");
        else if (!is_used(name) && !known_.find_for_service(name).known)
            judge(name, setting);
    }
}

std::vector<Problem> NameCheck::run() {
    collect_used();
    check_main_cf();
    for (const conf::ServiceLine& line : master_cf_.services)
        check_overrides(line);
    return std::move(problems_);
}

}  // namespace facteur::tool
