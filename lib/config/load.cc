#include "lib/config/load.h"

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/expand.h"
#include "lib/config/per_service.h"

namespace facteur::conf {

std::optional<std::string> Values::raw(std::string_view name) const {
    if (const Setting* setting = file_.find(name)) return setting->value;
    for (const ParamBase* param : params_) {
        if (param->name() != name) continue;
        if (!param->derived()) return param->default_text();
        // myhostname = $mydomain asks for mydomain, which is made of myhostname.
        if (depth_ >= 10) return std::string();
        ++depth_;
        std::string made = param->derived()(*this);
        --depth_;
        return made;
    }
    return std::nullopt;
}

Result<std::string> Values::expand(std::string_view text) const {
    return conf::expand(text, [this](std::string_view name) { return raw(name); });
}

std::string Values::get(std::string_view name) const {
    auto text = raw(name);
    if (!text) return std::string();
    return expand(*text).value_or(std::string());
}

namespace {

Problem problem_of(const MainCf& file, const Setting* setting, const std::string& name,
                   const Error& error) {
    Problem problem{Problem::Level::error, file.file(), 0, name + ": " + error.text};
    if (setting) problem.file = setting->file;
    if (setting) problem.line = setting->line;
    return problem;
}

/// As Debian's Postfix: myorigin = /etc/mailname stands for the first line of that file.
Result<std::string> origin_of_file(const std::string& path) {
    TRY(const std::string text, read_file(path));
    const std::string name(trim(std::string_view(text).substr(0, text.find('\n'))));
    if (name.empty()) return permanent(path + " is empty: write the domain into it");
    return name;
}

/// The value of a parameter from its text; the Error says what is wrong with it.
template <class Set>
Result<void> take(const ParamBase& param, const Values& values, const std::string& text, Set set) {
    if (param.is_raw()) return set(text);
    TRY(std::string expanded, values.expand(text));
    if (param.name() == "myorigin" && expanded.starts_with('/')) {
        TRY(expanded, origin_of_file(expanded));
    }
    return set(expanded);
}

}  // namespace

std::vector<Problem> load(Section& section, const MainCf& file) {
    std::vector<Problem> problems = file.problems();
    const Values values(file, section.params);
    for (ParamBase* param : section.params) {
        const std::string text = values.raw(param->name()).value_or(std::string());
        auto set = [&](const std::string& expanded) { return param->set(expanded); };
        auto taken = take(*param, values, text, set);
        if (taken) continue;
        const Setting* setting = file.find(param->name());
        problems.push_back(problem_of(file, setting, param->name(), taken.error()));
    }
    for (const auto& [name, setting] : file.settings()) {
        ParamBase* param = per_service(section.params, name);
        if (!param) continue;
        const std::string service = name.substr(0, name.size() - param->suffix().size());
        auto set = [&](const std::string& expanded) { return param->set_for(service, expanded); };
        auto taken = take(*param, values, setting.value, set);
        if (!taken) problems.push_back(problem_of(file, &setting, name, taken.error()));
    }
    section.loaded(file, values);
    return problems;
}

std::vector<Problem> load_text(Section& section, std::string_view main_cf) {
    return load(section, MainCf::parse(main_cf, "main.cf"));
}

std::string parameter_table(const Section& section) {
    std::string table;
    for (const ParamBase* param : section.params) {
        const std::string unit = param->unit() ? std::string(1, param->unit()) : std::string();
        const std::string fields[] = {param->name(),
                                      param->type(),
                                      unit,
                                      param->default_text(),
                                      param->allowed(),
                                      param->description(),
                                      std::string(param->suffix())};
        bool first = true;
        for (const std::string& field : fields) {
            if (!first) table += '\t';
            first = false;
            table += replace_all(replace_all(field, "\t", " "), "\n", " ");
        }
        table += '\n';
    }
    return table;
}

}  // namespace facteur::conf
