/*++
NAME
    facteur-conf - show and change the configuration

SYNOPSIS
    facteur [-c directory] conf [options] [name ...]
    postconf [options] [name ...]

DESCRIPTION
    Shows the parameters of main.cf that are named, or all, as name = value.

    -n  Only those that main.cf sets.
    -d  Their defaults, whatever main.cf says.
    -x  Expand $name in values.
    -h  Values only, without names.
    -H  Names only.
    -p  All parameters; this is the default.
    -e  Change main.cf: each argument is name=value.  Comments and all other lines stay as they
        are, and the file is replaced as a whole.
    -#  Comment out the parameters that are named.
    -X  Remove the parameters that are named from main.cf.
    -M  Show the services of master.cf; an argument like smtp/inet selects.
    -f  With -M: one option a line.
    -m  The types of lookup tables.
    -o name=value
        As if main.cf said so.
    --describe
        What the parameters are for, with type, default and allowed values.
    --json
        The same for programs.

    A name that no daemon knows is reported with the nearest one that exists.

SEE ALSO
    main.cf(5), master.cf(5), facteur(1)
--*/
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/edit.h"
#include "lib/config/expand.h"
#include "lib/config/load.h"
#include "lib/config/master_cf.h"
#include "lib/table/tables.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/known.h"
#include "tools/facteur/names.h"

namespace facteur::tool {
namespace {

struct Wishes {
    bool only_set = false, defaults = false, expand = false, no_names = false, only_names = false;
    bool all = false, edit = false, comment_out = false, remove = false, services = false;
    bool fold = false, types = false, describe = false, json = false;
    std::vector<std::string> overrides, names;
};

/// A parameter that some daemon told us of.
class Told : public conf::ParamBase {
public:
    Told(conf::Params& params, const Known& known)
        : ParamBase(params, known.name, known.default_text, known.description), known_(known) {}
    std::string type() const override { return known_.type; }
    Result<void> set(std::string_view) override { return {}; }

private:
    Known known_;
};

/// All that is known about parameters: what main.cf says, and what the daemons say.
class Catalogue {
public:
    Catalogue() : known_(suite_programs()) {
        params_ = common_.params;  // first, because they know how derived defaults are made
        for (const auto& [name, known] : known_.all())
            told_.push_back(std::make_unique<Told>(params_, known));
    }
    Result<void> read(const std::string& directory, const std::vector<std::string>& overrides) {
        const std::string file = directory + "/main.cf";
        TRY(text_, read_file(file));
        main_cf_ = conf::MainCf::parse(text_, file);
        for (const std::string& each : overrides) {
            const auto equals = each.find('=');
            if (equals == std::string::npos) return permanent("-o needs name=value");
            main_cf_.override_with(trim(each.substr(0, equals)), trim(each.substr(equals + 1)));
        }
        main_cf_.override_with("config_directory", directory);
        const std::string master_cf = directory + "/master.cf";
        const auto services = conf::parse_master_cf(read_file(master_cf).value_or(""), master_cf);
        for (const conf::ServiceLine& line : services.services)
            services_.insert(line.name);
        for (const auto& [name, setting] : main_cf_.settings()) {
            conf::each_name(setting.value, [this](std::string_view used) { used_.emplace(used); });
        }
        return {};
    }
    /// The names to show, sorted.
    std::vector<std::string> names(const Wishes& wishes) const {
        std::set<std::string> names;
        for (const auto& [name, setting] : main_cf_.settings())
            if (is_used(name) && !wishes.defaults) names.insert(name);
        if (!wishes.only_set)
            for (const auto& [name, known] : known_.all())
                names.insert(name);
        return {names.begin(), names.end()};
    }
    /// Some daemon, or another parameter, has a use for it.
    bool is_used(std::string_view name) const {
        if (known_.find(name) || used_.contains(name)) return true;
        const auto own = known_.find_for_service(name);
        return own.known && services_.contains(own.service);
    }
    std::optional<std::string> value(const std::string& name, const Wishes& wishes) const {
        static const conf::MainCf kEmpty;
        const conf::Values values(wishes.defaults ? kEmpty : main_cf_, params_);
        auto text = values.raw(name);
        // smtp_destination_rate_delay is $default_destination_rate_delay until it is set.
        const auto own = known_.find_for_service(name);
        if (!text && own.known && services_.contains(own.service)) text = "$" + own.known->name;
        if (text && wishes.expand) text = values.expand(*text).value_or(*text);
        if (!text) return std::nullopt;
        // Continuation lines are shown as one.
        std::string line;
        for (std::string_view word : words(*text, " \t\r\n"))
            line.append(line.empty() ? "" : " ").append(word);
        return line;
    }
    const KnownParameters& known() const { return known_; }
    const conf::MainCf& main_cf() const { return main_cf_; }
    const std::string& text() const { return text_; }

private:
    conf::Common common_;
    KnownParameters known_;
    conf::Params params_;
    std::vector<std::unique_ptr<Told>> told_;
    conf::MainCf main_cf_;
    std::string text_;
    std::set<std::string, std::less<>> used_;
    std::set<std::string, std::less<>> services_;  ///< of master.cf
};

void warn(const std::string& text) {
    std::fprintf(stderr, "postconf: warning: %s\n", text.c_str());
}

void print_line(const std::string& text) {
    std::printf("%s\n", text.c_str());
}

void warn_unknown(const Catalogue& catalogue, const std::string& name) {
    const std::string nearest = catalogue.known().nearest(name);
    warn(name + ": unknown parameter" + (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
}

/// What is known of a name, also of one that is for one service.
const Known* known_as(const Catalogue& catalogue, const std::string& name) {
    const Known* known = catalogue.known().find(name);
    return known ? known : catalogue.known().find_for_service(name).known;
}

void describe(const Known& known) {
    print_line(known.name + " (" + known.type + (known.unit.empty() ? "" : ", unit " + known.unit) +
               ")");
    print_line("    default: " + known.default_text);
    if (!known.allowed.empty()) print_line("    allowed: " + known.allowed);
    std::string programs;
    for (const std::string& program : known.programs)
        programs += " " + program;
    print_line("    used by:" + programs);
    print_line("    " + known.description);
    if (!known.suffix.empty()) print_line("    for one service: SERVICE" + known.suffix);
}

nlohmann::json as_json(const Catalogue& catalogue, const std::string& name, const Wishes& wishes) {
    nlohmann::json entry;
    entry["name"] = name;
    if (auto value = catalogue.value(name, wishes)) entry["value"] = *value;
    if (const conf::Setting* setting = catalogue.main_cf().find(name))
        entry["line"] = setting->line;
    if (const Known* known = known_as(catalogue, name)) {
        entry["type"] = known->type;
        entry["default"] = known->default_text;
        entry["allowed"] = known->allowed;
        entry["description"] = known->description;
        entry["programs"] = known->programs;
    }
    return entry;
}

void show_one(const Catalogue& catalogue, const std::string& name, const Wishes& wishes) {
    const Known* known = known_as(catalogue, name);
    if (wishes.describe && known) return describe(*known);
    const auto value = catalogue.value(name, wishes);
    if (!value) return warn_unknown(catalogue, name);
    if (wishes.only_names) return print_line(name);
    if (wishes.no_names) return print_line(*value);
    print_line(name + " =" + (value->empty() ? "" : " ") + *value);
}

int show(const Catalogue& catalogue, const Wishes& wishes) {
    const auto names = wishes.names.empty() ? catalogue.names(wishes) : wishes.names;
    if (wishes.json) {
        nlohmann::json list = nlohmann::json::array();
        for (const std::string& name : names)
            list.push_back(as_json(catalogue, name, wishes));
        print_line(list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        return 0;
    }
    for (const std::string& name : names)
        show_one(catalogue, name, wishes);
    if (!wishes.names.empty() && !wishes.only_set) return 0;
    for (const auto& problem : catalogue.main_cf().problems())
        warn(problem.where_and_what());
    for (const auto& [name, setting] : catalogue.main_cf().settings()) {
        if (catalogue.is_used(name)) continue;
        const std::string nearest = catalogue.known().nearest(name);
        warn(setting.file + ": unused parameter: " + name + "=" + setting.value +
             (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
    }
    return 0;
}

int change(const std::string& directory, const Wishes& wishes) {
    const std::string file = directory + "/main.cf";
    auto text = read_file(file);
    if (!text) return complain(text.error().text);
    std::vector<conf::Edit> edits;
    for (const std::string& name : wishes.names) {
        const auto equals = name.find('=');
        conf::Edit edit;
        if (wishes.comment_out) edit.kind = conf::Edit::Kind::comment_out;
        if (wishes.remove) edit.kind = conf::Edit::Kind::remove;
        if (wishes.edit && equals == std::string::npos)
            return complain("-e needs name=value, not \"" + printable(name, 60) + "\"");
        edit.name = trim(std::string_view(name).substr(0, equals));
        if (equals != std::string::npos)
            edit.value = trim(std::string_view(name).substr(equals + 1));
        if (edit.name.empty() || edit.name.find_first_of(" \t\n#=") != std::string::npos ||
            edit.value.find('\n') != std::string::npos)
            return complain("\"" + printable(name, 60) + "\" is not name=value on one line");
        edits.push_back(std::move(edit));
    }
    if (edits.empty()) return complain("name what to change");
    struct stat st {};
    const unsigned mode = stat(file.c_str(), &st) == 0 ? st.st_mode & 07777u : 0644u;
    auto written = write_file(file, conf::edit_main_cf(*text, edits), mode);
    return written ? 0 : complain(written.error().text);
}

// The columns of postconf -M.
std::string service_text(const conf::LogicalLine& line, bool fold) {
    constexpr std::size_t kColumns[] = {0, 11, 17, 25, 33, 41, 49, 57};
    std::string text;
    std::size_t column = 0;
    for (std::string_view field : words(line.text, " \t")) {
        if (column < std::size(kColumns)) {
            if (column > 0) text += ' ';
            text.append(text.size() < kColumns[column] ? kColumns[column] - text.size() : 0, ' ');
            ++column;
        } else {
            text += fold && field.starts_with('-') ? "\n    " : " ";
        }
        text += field;
    }
    return text;
}

int show_services(const std::string& directory, const Wishes& wishes) {
    auto text = read_file(directory + "/master.cf");
    if (!text) return complain(text.error().text);
    for (const auto& line : conf::logical_lines(*text)) {
        const auto fields = words(line.text, " \t");
        if (fields.size() < 2) continue;
        const std::string name(fields[0]);
        const std::string key = name + "/" + std::string(fields[1]);
        const auto& wanted = wishes.names;
        const bool selected = wanted.empty() ||
                              std::find(wanted.begin(), wanted.end(), key) != wanted.end() ||
                              std::find(wanted.begin(), wanted.end(), name) != wanted.end();
        if (selected) print_line(service_text(line, wishes.fold));
    }
    return 0;
}

int run(const std::string& directory, const Wishes& wishes) {
    if (wishes.types) {
        for (const std::string& type : table::Tables::types())
            print_line(type);
        return 0;
    }
    if (wishes.edit || wishes.comment_out || wishes.remove) return change(directory, wishes);
    if (wishes.services) return show_services(directory, wishes);
    Catalogue catalogue;
    auto read = catalogue.read(directory, wishes.overrides);
    // Defaults can be shown before anything is installed.
    if (!read && !wishes.defaults) return complain(read.error().text);
    return show(catalogue, wishes);
}

void add_options(Command& app, Wishes& wishes) {
    app.only_long_help();
    app.add_flag("-n", wishes.only_set, "Only what main.cf sets");
    app.add_flag("-d", wishes.defaults, "Defaults");
    app.add_flag("-x", wishes.expand, "Expand $name in values");
    app.add_flag("-h", wishes.no_names, "Values only");
    app.add_flag("-H", wishes.only_names, "Names only");
    app.add_flag("-p", wishes.all, "All parameters (default)");
    app.add_flag("-e", wishes.edit, "Change main.cf: name=value ...");
    app.add_flag("-#", wishes.comment_out, "Comment out parameters");
    app.add_flag("-X", wishes.remove, "Remove parameters from main.cf");
    app.add_flag("-M", wishes.services, "Services of master.cf");
    app.add_flag("-f", wishes.fold, "With -M: one option a line");
    app.add_flag("-m", wishes.types, "Types of lookup tables");
    app.add_flag("--describe", wishes.describe, "What parameters are for");
    app.add_flag("--json", wishes.json, "For programs");
    app.add_option("-o", wishes.overrides, "name=value, as if main.cf said so").one_value();
    app.add_option("names", wishes.names, "Parameters");
}

}  // namespace

void add_conf(Command& app, Context& context) {
    auto wishes = std::make_shared<Wishes>();  // shared by the option parser and the callback
    Command& command = app.add_subcommand("conf", "Show and change parameters (postconf)");
    add_options(command, *wishes);
    command.callback([&context, wishes] { context.status = run(context.directory, *wishes); });
}

int postconf_main(int argc, char** argv) {
    const char* from_environment = std::getenv("MAIL_CONFIG");
    std::string directory = from_environment ? from_environment : "/etc/facteur";
    Wishes wishes;
    CommandLine line("Show and change the parameters of Facteur");
    Command& app = line.command();
    app.add_option("-c", directory, "Folder with main.cf and master.cf");
    app.add_flag("-v");
    add_options(app, wishes);
    if (auto status = line.parse(argc, argv)) return *status;
    return run(directory, wishes);
}

}  // namespace facteur::tool
