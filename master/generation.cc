#include "master/generation.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/read_file.h"
#include "lib/config/load.h"
#include "lib/config/postfix_services.h"

namespace facteur::master {
namespace {

/// Sealed: a daemon that is taken over cannot change what the next one reads.
Result<Fd> memory_file(const std::string& text) {
    Fd file(::memfd_create("main.cf", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file) return system_error("memfd_create");
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_error("write main.cf to memory");
    constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (::fcntl(file.get(), F_ADD_SEALS, seals) < 0) return system_error("seal main.cf");
    return file;
}

Result<Fd> open_log(const Settings& settings) {
    const std::string& path = settings.maillog_file();
    if (path.empty()) return Fd();
    Fd log(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
    if (!log) return system_error("open " + path);
    return log;
}

/// Warnings are logged, errors are collected.
void sort_out(const std::vector<conf::Problem>& problems, std::string& errors) {
    for (const conf::Problem& problem : problems) {
        if (problem.level == conf::Problem::Level::warning)
            log_warning(problem.where_and_what());
        else
            errors += (errors.empty() ? "" : "\n") + problem.where_and_what();
    }
}

std::string own_directory() {
    char path[4096];
    ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
    std::string program(path, size > 0 ? static_cast<std::size_t>(size) : 0);
    return program.substr(0, program.rfind('/'));
}

}  // namespace

Result<std::shared_ptr<Generation>> Generation::read(const std::string& directory,
                                                     unsigned number) {
    auto next = std::make_shared<Generation>();
    next->number = number;
    next->directory = directory;
    TRY(auto text, read_file(directory + "/main.cf"));
    TRY(auto services, read_file(directory + "/master.cf"));
    conf::MainCf main_cf = conf::MainCf::parse(text, directory + "/main.cf");
    main_cf.override_with("config_directory", directory);
    next->master_cf = conf::parse_master_cf(services, directory + "/master.cf");
    conf::adopt_postfix(next->master_cf);
    std::string errors;
    sort_out(main_cf.problems(), errors);
    sort_out(conf::load(next->settings, main_cf), errors);
    sort_out(next->master_cf.problems, errors);
    if (!errors.empty()) return permanent(std::move(errors));
    // A main.cf that Postfix has used names the folder of Postfix's daemons.
    next->has_daemon_directory_ = main_cf.find("daemon_directory") &&
                                  conf::holds_our_daemons(next->settings.daemon_directory());
    TRY(next->main_cf, memory_file(text));
    TRY(next->log, open_log(next->settings));
    return next;
}

/// Beside this program, unless main.cf says where: so build/bin works without installation.
std::string Generation::program(const std::string& command) const {
    if (command.starts_with('/')) return command;
    return (has_daemon_directory_ ? settings.daemon_directory() : own_directory()) + "/" + command;
}

}  // namespace facteur::master
