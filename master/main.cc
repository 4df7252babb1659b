/*++
NAME
    master - Facteur's supervisor

SYNOPSIS
    master [-c directory] [-f] [-t]

DESCRIPTION
    master opens the sockets that master.cf names, starts the daemons behind them, restarts those
    that fail, and stops them in order. It reads main.cf and master.cf once and hands main.cf to
    each daemon in memory, so that all of them see the same text. `facteur start` starts it.

    -c directory
        Where main.cf and master.cf are; the default is /etc/facteur.
    -f  Stay in the foreground. Without it the program returns when all services accept
        connections.
    -t  Only tell by the exit status whether a master runs (1) or not (0).

SIGNALS
    SIGHUP
        Reload: read the configuration again and replace the daemons. Sessions that are open are
        finished by the old ones. With errors in the configuration nothing changes.
    SIGTERM, SIGINT
        Stop: sessions first, then deliveries, then the queue manager, then the lookups.

SECURITY
    master runs as root when it shall serve ports below 1024 or separate its daemons; it reads
    nothing but the configuration, talks to no network and parses no mail. Each daemon gives up
    its rights by itself, as its own privilege table says. Started by an ordinary user, everything
    runs as that user.

DIAGNOSTICS
    Problems are logged to maillog_file or syslog(3), and told on standard error while it starts.

FILES
    /etc/facteur/main.cf, /etc/facteur/master.cf
    $queue_directory/pid/master.pid, locked while a master runs
    $queue_directory/pid/control, the socket for facteur(1)

SEE ALSO
    facteur(1), main.cf(5), master.cf(5)
--*/
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/config/load.h"
#include "master/master.h"

namespace facteur::master {
namespace {

struct Options {
    std::string directory = "/etc/facteur";
    bool foreground = false;
    bool test = false;
    bool parameters = false;
};

Options parse(int argc, char** argv) {
    Options options;
    if (argc == 2 && std::string(argv[1]) == "--parameters") {
        options.parameters = true;
        return options;
    }
    for (int option = 0; (option = ::getopt(argc, argv, "c:ft")) != -1;) {
        if (option == 'c')
            options.directory = ::optarg;
        else if (option == 'f')
            options.foreground = true;
        else if (option == 't')
            options.test = true;
        else
            std::exit(2);  // getopt(3) said why
    }
    return options;
}

/// The first process waits until the second one is up and then tells its caller how it went.
class Launcher {
public:
    /// Returns in the second process.
    void into_background() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) < 0) log_fatal("pipe");
        pid_t child = ::fork();
        if (child < 0) log_fatal("fork");
        if (child > 0) {
            ::close(ends[1]);
            char status = 1;
            ssize_t got = ::read(ends[0], &status, 1);
            std::_Exit(got == 1 ? status : 1);
        }
        ::setsid();
        report_ = Fd(ends[1]);
        // Nothing that runs on may hold the caller's terminal or pipe, least of all a daemon.
        terminal_ = Fd(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
        Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
            ::dup2(null.get(), fd);
    }
    /// To whoever started this.
    void say(const std::string& text) const {
        std::string line = "facteur: " + text + "\n";
        int fd = terminal_ ? terminal_.get() : STDERR_FILENO;
        [[maybe_unused]] ssize_t written = ::write(fd, line.data(), line.size());
    }
    void up(const std::string& missing) {
        if (!report_) return;
        if (!missing.empty()) say("these services do not come up: " + missing + "; see the log");
        char status = missing.empty() ? 0 : 1;
        [[maybe_unused]] ssize_t written = ::write(report_.get(), &status, 1);
        report_.reset();
        terminal_.reset();
    }

private:
    Fd report_;
    Fd terminal_;  ///< standard error as it was
};

std::string absolute(const std::string& directory) {
    char* resolved = ::realpath(directory.c_str(), nullptr);
    std::string path(resolved ? resolved : directory);
    std::free(resolved);
    return path;
}

/// 1 when a master runs, as Postfix's `master -t`.
int test_running(const std::string& directory) {
    auto generation = Generation::read(directory, 0);
    if (!generation) log_fatal(generation.error().text);
    return PidFile::holder((*generation)->settings.queue_directory() + "/pid/master.pid") ? 1 : 0;
}

int print_parameters() {
    Settings settings;
    std::fputs(conf::parameter_table(settings).c_str(), stdout);
    return 0;
}

int main(int argc, char** argv) {
    Options options = parse(argc, argv);
    if (options.parameters) return print_parameters();
    Log::set_tag("facteur/master");
    std::string directory = absolute(options.directory);
    if (options.test) return test_running(directory);
    Launcher launcher;
    if (!options.foreground) launcher.into_background();
    Master master(directory, !options.foreground);
    auto started = master.start();
    if (!started) {
        launcher.say(started.error().text);
        if (master.has_log()) log_error(started.error().text);
        return 1;
    }
    master.run([&](const std::string& missing) { launcher.up(missing); });
    return 0;
}

}  // namespace
}  // namespace facteur::master

int main(int argc, char** argv) {
    return facteur::master::main(argc, argv);
}
