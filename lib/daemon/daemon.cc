#include "lib/daemon/daemon.h"

#include <cstdio>
#include <cstdlib>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/config/load.h"
#include "lib/daemon/lock_in.h"
#include "lib/daemon/nursery_process.h"
#include "lib/daemon/protocol.h"
#include "lib/daemon/worker_process.h"

namespace facteur::daemon {
namespace {

/// Thousands of idle sessions share one process: one or two arenas, and free memory goes back.
void keep_memory_small() {
    ::mallopt(M_ARENA_MAX, 2);
    ::mallopt(M_TRIM_THRESHOLD, 256 * 1024);
    ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string short_hostname() {
    char name[256] = "localhost";
    ::gethostname(name, sizeof name - 1);
    std::string host(name);
    return host.substr(0, host.find('.'));
}

/// Fills all sections; everything that is wrong with them.
std::vector<conf::Problem> load_sections(const Description& description,
                                         const conf::MainCf& main_cf) {
    std::vector<conf::Problem> problems;
    for (conf::Section* section : description.sections)
        for (conf::Problem& problem : conf::load(*section, main_cf))
            problems.push_back(std::move(problem));
    if (!description.review) return problems;
    for (conf::Problem& problem : description.review(main_cf))
        problems.push_back(std::move(problem));
    return problems;
}

void report(const std::vector<conf::Problem>& problems) {
    bool fatal = false;
    for (const conf::Problem& problem : problems) {
        bool is_error = problem.level == conf::Problem::Level::error;
        Log::write(is_error ? LogLevel::error : LogLevel::warning, problem.where_and_what());
        fatal = fatal || is_error;
    }
    if (fatal) log_fatal("the configuration has errors; `facteur check` says what to write");
}

/// main.cf as master read it, with -o on top.
conf::MainCf configuration(const Inherited& inherited, const Options& options,
                           const Description& description) {
    std::string file = inherited.config_directory + "/main.cf";
    conf::MainCf main_cf = conf::MainCf::parse(inherited.main_cf, std::move(file));
    if (!inherited.config_directory.empty())
        main_cf.override_with("config_directory", inherited.config_directory);
    for (const auto& [name, value] : options.overrides)
        main_cf.override_with(name, value, "master.cf: -o");
    if (description.family && description.family->serves(options.service, options.arguments))
        main_cf = description.family->translate(main_cf);
    return main_cf;
}

Settings& settings_of(const conf::MainCf& main_cf) {
    static Settings settings;
    report(conf::load(settings, main_cf));
    return settings;
}

void start_log(Inherited& inherited, const Settings& settings, const Description& description,
               const Options& options) {
    Log::set_tag(settings.syslog_name() + "/" + description.name);
    if (inherited.log)
        Log::to_file(std::move(inherited.log), short_hostname());
    else
        Log::to_syslog();
    Log::set_debug(options.debug || settings.debug());
}

int print_parameters(const Description& description) {
    Settings own;
    std::fputs(conf::parameter_table(own).c_str(), stdout);
    for (conf::Section* section : description.sections) {
        const std::string table = conf::parameter_table(*section);
        std::fputs(table.c_str(), stdout);
        if (description.family)
            std::fputs(description.family->parameter_table(table).c_str(), stdout);
    }
    return std::fflush(stdout) == 0 ? 0 : 1;
}

/// What main.cf with our -o looks like to this daemon, for `facteur check`: one problem a line.
int print_problems(const Description& description, const Options& options) {
    const char* directory = std::getenv(kConfigVariable);
    Inherited there;
    there.config_directory = directory ? directory : "/etc/facteur";
    auto text = read_main_cf(there.config_directory + "/main.cf");
    if (!text) log_fatal(text.error().text);
    there.main_cf = std::move(*text);
    conf::MainCf main_cf = configuration(there, options, description);
    for (const conf::Problem& problem : load_sections(description, main_cf))
        std::printf("%s\t%s\t%d\t%s\n",
                    problem.level == conf::Problem::Level::error ? "error" : "warning",
                    problem.file.c_str(), problem.line, problem.text.c_str());
    return std::fflush(stdout) == 0 ? 0 : 1;
}

Options options_or_die(int argc, char** argv) {
    auto options = parse_options(std::vector<std::string>(argv + 1, argv + argc));
    if (!options) log_fatal(options.error().text);
    return std::move(*options);
}

}  // namespace

std::vector<std::string> arguments(int argc, char** argv) {
    return options_or_die(argc, argv).arguments;
}

int run(int argc, char** argv, const Description& description) {
    Options options = options_or_die(argc, argv);
    if (options.parameters) return print_parameters(description);
    if (options.check) return print_problems(description, options);
    Log::set_tag("facteur/" + description.name);
    auto inherited = take_inherited();
    if (!inherited) log_fatal(inherited.error().text);
    keep_memory_small();
    raise_descriptor_limit();
    if (inherited->log) Log::to_file(inherited->log.duplicate(), short_hostname());
    conf::MainCf main_cf = configuration(*inherited, options, description);
    Settings& settings = settings_of(main_cf);
    start_log(*inherited, settings, description, options);
    report(load_sections(description, main_cf));
    if (::chdir(settings.queue_directory().c_str()) < 0)
        log_fatal(system_error("chdir " + settings.queue_directory()).error().text);
    auto lower = [&](const sandbox::Privileges& table) {
        return plain(table, description, main_cf, options);
    };
    std::unique_ptr<Nursery> nursery;
    if (description.offspring) {
        sandbox::Privileges its = lower(description.offspring->privileges);
        sandbox::Identity other = identity_of(description, settings, options, its);
        nursery = std::make_unique<Nursery>(
            start_nursery(description, settings, options, std::move(its), other, *inherited));
    }
    WorkerProcess process(description, settings, options, std::move(*inherited),
                          std::move(nursery));
    process.make_service();
    // Only now: make() may have looked at the parameters to complete the table.
    sandbox::Privileges own = lower(description.privileges);
    lock_in(own, identity_of(description, settings, options, own), settings);
    return process.run();
}

}  // namespace facteur::daemon
