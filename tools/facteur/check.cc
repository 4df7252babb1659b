#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/load.h"
#include "lib/config/master_cf.h"
#include "lib/config/postfix_services.h"
#include "tools/facteur/check_names.h"
#include "tools/facteur/command_line.h"
#include "tools/facteur/commands.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/known.h"
#include "tools/facteur/system_users.h"

namespace facteur::tool {
namespace {

using conf::Problem;

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
    bool check_main_cf();  ///< false: there is none
    void check_names();
    void check_services();
    void tell_adoption(const conf::Adoption& adoption, const std::string& file);
    void check_service(const conf::ServiceLine& line);
    void ask_daemon(const std::string& program, const conf::ServiceLine& line);
    void check_surroundings();
    void check_daemon_directory();
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

bool Checker::check_main_cf() {
    std::string file = directory_ + "/main.cf";
    auto text = read_file(file);
    if (!text) {
        error(text.error().text + "; `facteur init DIR` makes a new instance");
        return false;
    }
    main_cf_ = conf::MainCf::parse(*text, file);
    main_cf_.override_with("config_directory", directory_);
    for (const Problem& problem : main_cf_.problems())
        add(problem.level, problem.file, problem.line, problem.text);
    for (const Problem& problem : conf::load(*settings_, main_cf_))
        add(problem.level, problem.file, problem.line, problem.text);
    return true;
}

void Checker::check_names() {
    const KnownParameters known(suite_programs());
    NameCheck names(main_cf_, master_cf_, directory_ + "/master.cf", known);
    for (Problem& problem : names.run())
        add(problem.level, problem.file, problem.line, std::move(problem.text));
}

void Checker::check_services() {
    std::string file = directory_ + "/master.cf";
    auto text = read_file(file);
    if (!text) return error(text.error().text);
    master_cf_ = conf::parse_master_cf(*text, file);
    for (const Problem& problem : master_cf_.problems)
        add(problem.level, problem.file, problem.line, problem.text);
    tell_adoption(conf::adopt_postfix(master_cf_), file);
    for (const conf::ServiceLine& line : master_cf_.services)
        line.command == "join" ? check_join(line) : check_service(line);
}

/// Once, not for each line of a master.cf that Postfix has used for years.
void Checker::tell_adoption(const conf::Adoption& adoption, const std::string& file) {
    std::string names;
    std::set<std::string> told;
    for (const conf::Adoption::Dropped& dropped : adoption.dropped) {
        if (told.insert(dropped.command).second)
            names += (names.empty() ? "" : ", ") + dropped.command + " (" +
                     std::string(dropped.done_by) + ")";
        for (const std::string& name : dropped.lost)
            add(Problem::Level::error, file, dropped.line,
                "-o " + name + ": " + dropped.command + " is a part of " +
                    std::string(dropped.done_by) +
                    ": write it in main.cf, or as -o of the "
                    "services that need it");
    }
    for (const int line : adoption.clashes)
        add(Problem::Level::error, file, line,
            "Facteur has a service of this name: give yours another one, here and where it is "
            "used");
    if (!names.empty())
        add(Problem::Level::note, file, 0,
            "services of Postfix that are not needed, and who does their work: " + names);
    if (!adoption.added.empty())
        add(Problem::Level::note, file, 0,
            "services that Postfix does not have and that are started too: " +
                join(adoption.added, ", "));
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
        const std::string& moved = settings_->daemon_directory();
        const bool is_moved = main_cf_.find("daemon_directory") && conf::holds_our_daemons(moved);
        program = is_moved ? moved + "/" + program : find_program(program);
    }
    // A program from elsewhere may not know what --check means.
    auto suite = suite_programs();
    if (std::find(suite.begin(), suite.end(), program) != suite.end())
        return ask_daemon(program, line);
    if (::access(program.c_str(), X_OK) == 0) return;
    const std::string_view done_by = conf::done_by(line.command);
    add(Problem::Level::error, file, line.line,
        done_by.empty()
            ? "no program " + program + ": write the name of a daemon, or its whole path"
            : "there is no \"" + line.command + "\", its work is done by " + std::string(done_by) +
                  ": remove the line");
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

void Checker::check_daemon_directory() {
    const conf::Setting* setting = main_cf_.find("daemon_directory");
    if (!setting || conf::holds_our_daemons(settings_->daemon_directory())) return;
    add(Problem::Level::note, setting->file, setting->line,
        "daemon_directory: there are no daemons of Facteur; those beside its own programs run");
}

void Checker::check_surroundings() {
    for (const char* parameter : {"smtpd_tls_cert_file", "smtpd_tls_key_file"})
        check_file(parameter);
    check_daemon_directory();
    const std::string& queue = settings_->queue_directory();
    if (std::filesystem::is_directory(queue + "/maildrop") &&
        std::filesystem::is_directory(queue + "/active"))
        error("queue_directory " + queue +
              " holds a Postfix queue: write queue_directory = /var/spool/facteur");
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
        static constexpr const char* kLevels[] = {"note", "warning", "error"};
        if (problem.level < least) continue;
        fmt::print("{}: {}\n", kLevels[static_cast<int>(problem.level)],
                   problem.file.empty() ? problem.text : problem.where_and_what());
    }
}

int Checker::run() {
    if (!check_main_cf()) return 1;
    check_services();
    check_names();
    check_surroundings();
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
    checker.print(Problem::Level::note);
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
