#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/expand.h"
#include "lib/config/load.h"
#include "lib/config/master_cf.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/known.h"
#include "tools/facteur/system_users.h"

namespace facteur::tool {
namespace {

using conf::Problem;

/// Daemons of Postfix whose work another one does here; a taken-over master.cf may name them.
constexpr const char* kNotNeeded[] = {
    "pickup",   "cleanup",  "rewrite",  "trivial-rewrite", "bounce", "verify",
    "flush",    "proxymap", "showq",    "anvil",           "scache", "tlsmgr",
    "postlogd", "nqmgr",    "tlsproxy", "dnsblog",         "oqmgr",  "postscreen"};

class Checker {
public:
    explicit Checker(std::string directory) : directory_(std::move(directory)) {}

    /// The number of errors.
    int run();
    void print(Problem::Level least) const;

private:
    void add(Problem::Level level, const std::string& file, int line, std::string text);
    void error(std::string text) { add(Problem::Level::error, "", 0, std::move(text)); }
    void warning(std::string text) { add(Problem::Level::warning, "", 0, std::move(text)); }
    void check_main_cf();
    void check_names(const KnownParameters& known);
    bool has_service(std::string_view name) const;
    void check_services();
    void check_service(const conf::ServiceLine& line);
    void ask_daemon(const std::string& program, const conf::ServiceLine& line);
    void check_surroundings();
    void check_file(const char* parameter);
    void check_join(const conf::ServiceLine& line);

    std::string directory_;
    conf::MainCf main_cf_;
    conf::MasterCf master_cf_;
    std::unique_ptr<daemon::Settings> settings_ = std::make_unique<daemon::Settings>();
    std::vector<Problem> problems_;
};

void Checker::add(Problem::Level level, const std::string& file, int line, std::string text) {
    Problem problem{level, file, line, std::move(text)};
    auto same = [&](const Problem& other) {
        return other.where_and_what() == problem.where_and_what();
    };
    // Several daemons read the same line and say the same about it.
    if (std::none_of(problems_.begin(), problems_.end(), same))
        problems_.push_back(std::move(problem));
}

void Checker::check_main_cf() {
    std::string file = directory_ + "/main.cf";
    auto text = read_file(file);
    if (!text) return error(text.error().text + "; `facteur init DIR` makes a new instance");
    main_cf_ = conf::MainCf::parse(*text, file);
    main_cf_.override_with("config_directory", directory_);
    for (const Problem& problem : main_cf_.problems())
        add(problem.level, problem.file, problem.line, problem.text);
    for (const Problem& problem : conf::load(*settings_, main_cf_))
        add(problem.level, problem.file, problem.line, problem.text);
}

/// A name that nobody knows is allowed when another value uses it ("$name"), as in Postfix.
void Checker::check_names(const KnownParameters& known) {
    std::set<std::string, std::less<>> used;
    auto note = [&](std::string_view name) { used.emplace(name); };
    if (const conf::Setting* classes = main_cf_.find("smtpd_restriction_classes"))
        for (const std::string& name : conf::parse_list(classes->value))
            note(name);
    for (const auto& [name, setting] : main_cf_.settings())
        conf::each_name(setting.value, note);
    for (const conf::ServiceLine& line : master_cf_.services)
        for (const auto& [name, value] : line.overrides)
            conf::each_name(value, note);
    for (const auto& [name, setting] : main_cf_.settings()) {
        if (known.find(name) || used.contains(name)) continue;
        const auto own = known.find_for_service(name);
        if (own.known && has_service(own.service)) continue;
        if (own.known) {
            add(Problem::Level::warning, setting.file, setting.line,
                name + ": master.cf has no service \"" + std::string(own.service) +
                    "\": remove the line or correct the name");
            continue;
        }
        std::string nearest = known.nearest(name);
        std::string text = "unknown parameter \"" + name + "\"";
        text += nearest.empty() ? ": remove the line" : ": did you mean " + nearest + "?";
        add(Problem::Level::warning, setting.file, setting.line, std::move(text));
    }
}

bool Checker::has_service(std::string_view name) const {
    return std::any_of(master_cf_.services.begin(), master_cf_.services.end(),
                       [&](const conf::ServiceLine& line) { return line.name == name; });
}

void Checker::check_services() {
    std::string file = directory_ + "/master.cf";
    auto text = read_file(file);
    if (!text) return error(text.error().text);
    master_cf_ = conf::parse_master_cf(*text, file);
    for (const Problem& problem : master_cf_.problems)
        add(problem.level, problem.file, problem.line, problem.text);
    for (const conf::ServiceLine& line : master_cf_.services)
        line.command == "join" ? check_join(line) : check_service(line);
}

void Checker::check_join(const conf::ServiceLine& line) {
    std::string name = line.arguments.size() == 1 ? line.arguments[0] : std::string();
    for (const conf::ServiceLine& other : master_cf_.services)
        if (other.name == name && other.command != "join") return;
    add(Problem::Level::error, directory_ + "/master.cf", line.line,
        "join \"" + name + "\": write the name of a service that has a daemon");
}

void Checker::check_service(const conf::ServiceLine& line) {
    std::string file = directory_ + "/master.cf";
    std::string program = line.command;
    if (!program.starts_with('/')) {
        bool moved = main_cf_.find("daemon_directory") != nullptr;
        program = moved ? settings_->daemon_directory() + "/" + program : find_program(program);
    }
    // A program from elsewhere may not know what --check means.
    auto suite = suite_programs();
    if (std::find(suite.begin(), suite.end(), program) != suite.end())
        return ask_daemon(program, line);
    if (::access(program.c_str(), X_OK) == 0) return;
    bool replaced = std::find(std::begin(kNotNeeded), std::end(kNotNeeded), line.command) !=
                    std::end(kNotNeeded);
    add(Problem::Level::error, file, line.line,
        replaced ? "Facteur needs no \"" + line.command + "\": remove the line"
                 : "no program " + program + ": write the name of a daemon, or its whole path");
}

/// The daemon itself reads main.cf with the -o of this line, as it would when started.
void Checker::ask_daemon(const std::string& program, const conf::ServiceLine& line) {
    std::vector<std::string> words{program, "--check", "-n", line.name};
    for (const auto& [name, value] : line.overrides) {
        words.emplace_back("-o");
        words.push_back(name + "=" + value);
    }
    words.insert(words.end(), line.arguments.begin(), line.arguments.end());
    auto said = output_of(words, {"MAIL_CONFIG=" + directory_});
    if (!said) return error(said.error().text);
    for (std::string_view each : split(*said, '\n')) {
        auto field = split(each, '\t');
        if (field.size() < 4) continue;
        bool is_error = field[0] == "error";
        bool is_override = field[1].starts_with("master.cf");
        add(is_error ? Problem::Level::error : Problem::Level::warning,
            is_override ? directory_ + "/master.cf" : std::string(field[1]),
            is_override ? line.line : static_cast<int>(parse_number(field[2]).value_or(0)),
            std::string(field[3]));
    }
}

void Checker::check_file(const char* parameter) {
    const conf::Setting* setting = main_cf_.find(parameter);
    if (!setting || setting->value.empty()) return;
    auto path = conf::Values(main_cf_, settings_->params).expand(setting->value);
    if (!path || ::access(path->c_str(), R_OK) == 0) return;
    add(Problem::Level::error, setting->file, setting->line,
        std::string(parameter) + ": cannot read " + *path + ": write the path of a PEM file");
}

void Checker::check_surroundings() {
    for (const char* parameter : {"smtpd_tls_cert_file", "smtpd_tls_key_file"})
        check_file(parameter);
    const std::string& queue = settings_->queue_directory();
    if (!std::filesystem::is_directory(queue))
        error("queue_directory " + queue + " does not exist: make it with `mkdir -p " + queue +
              "`");
    if (::geteuid() != 0) return;
    MissingAccounts missing = missing_accounts(*settings_);
    for (const std::string& user : missing.users)
        error("user " + user + " does not exist: `useradd --system --user-group " + user + "`");
    for (const std::string& group : missing.groups)
        error("group " + group + " does not exist: `groupadd --system " + group + "`");
}

void Checker::print(Problem::Level least) const {
    for (const Problem& problem : problems_) {
        bool is_error = problem.level == Problem::Level::error;
        if (!is_error && least == Problem::Level::error) continue;
        fmt::print("{}: {}\n", is_error ? "error" : "warning",
                   problem.file.empty() ? problem.text : problem.where_and_what());
    }
}

int Checker::run() {
    check_main_cf();
    check_services();
    if (problems_.empty() || main_cf_.find("myhostname")) {
        check_names(KnownParameters(suite_programs()));
        check_surroundings();
    }
    std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
        return std::tie(a.file, a.line) < std::tie(b.file, b.line);
    });
    return static_cast<int>(std::count_if(
        problems_.begin(), problems_.end(),
        [](const Problem& problem) { return problem.level == Problem::Level::error; }));
}

std::string absolute(const std::string& directory) {
    std::error_code error;
    auto path = std::filesystem::canonical(directory, error);
    return error ? directory : path.string();
}

int check(const std::string& directory) {
    Checker checker(absolute(directory));
    int errors = checker.run();
    checker.print(Problem::Level::warning);
    if (errors == 0) fmt::print("{}: no errors\n", absolute(directory));
    return errors == 0 ? 0 : 1;
}

}  // namespace

bool has_errors(const std::string& directory) {
    Checker checker(absolute(directory));
    if (checker.run() == 0) return false;
    checker.print(Problem::Level::error);
    return true;
}

void add_check(Command& app, Context& context) {
    Command& command = app.add_subcommand(
        "check", "Say what is wrong in the configuration, and what to write instead");
    command.callback([&] { context.status = check(context.directory); });
}

}  // namespace facteur::tool
