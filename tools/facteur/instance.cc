#include "tools/facteur/instance.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/read_file.h"
#include "lib/config/load.h"

namespace facteur::tool {
namespace {

constexpr const char* kInstalled = "/usr/libexec/facteur";

std::string absolute(const std::string& directory) {
    char* resolved = ::realpath(directory.c_str(), nullptr);
    std::string path(resolved ? resolved : directory);
    std::free(resolved);
    return path;
}

/// Unix sockets have short names, instances may live deep: go there, so that the name is short.
Result<Fd> connect_below(const std::string& folder, const char* name) {
    Fd here(::open(".", O_PATH | O_CLOEXEC));
    if (::chdir(folder.c_str()) < 0) return system_error(folder);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, name, sizeof address.sun_path - 1);
    int status = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    int error = errno;
    if (here && ::fchdir(here.get()) < 0) return system_error("chdir back");
    if (status == 0) return fd;
    if (error == EACCES) return permanent("the mail system belongs to another user");
    return permanent("the mail system is not running");
}

/// What master says until it closes.
Result<std::string> ask(int socket, std::string_view word) {
    if (::send(socket, word.data(), word.size(), MSG_NOSIGNAL) < 0)
        return system_error("ask master");
    return read_to_end(socket);
}

}  // namespace

Result<void> write_file(const std::string& path, std::string_view text, unsigned mode) {
    std::string fresh = path + ".new";
    Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return system_error("open " + fresh);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_error("write " + fresh);
    if (::fchmod(file.get(), mode) < 0) return system_error("chmod " + fresh);
    if (::rename(fresh.c_str(), path.c_str()) < 0) return system_error("rename " + fresh);
    return {};
}

Result<Instance> Instance::open(const std::string& directory) {
    Instance instance;
    instance.directory = absolute(directory);
    std::string file = instance.directory + "/main.cf";
    TRY(auto text, read_file(file));
    instance.main_cf = conf::MainCf::parse(text, file);
    instance.main_cf.override_with("config_directory", instance.directory);
    instance.settings = std::make_unique<daemon::Settings>();
    for (const conf::Problem& problem : conf::load(*instance.settings, instance.main_cf))
        if (problem.level == conf::Problem::Level::error)
            return permanent(problem.where_and_what());
    return instance;
}

std::string Instance::queue_path(std::string_view below) const {
    return settings->queue_directory() + "/" + std::string(below);
}

Result<std::string> ask_master(const Instance& instance, std::string_view word) {
    TRY(auto socket, connect_below(instance.queue_path("pid"), "control"));
    return ask(socket.get(), word);
}

/// The connection closes before the kernel has given up master's working directory: a file system
/// under it could not be unmounted yet.  So wait for the process, too.
Result<void> stop_master(const Instance& instance) {
    TRY(auto socket, connect_below(instance.queue_path("pid"), "control"));
    ucred master{};
    socklen_t size = sizeof master;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &master, &size) < 0)
        return system_error("find master");
    Fd process(static_cast<int>(::syscall(SYS_pidfd_open, master.pid, 0)));
    TRY_VOID(ask(socket.get(), "stop"));
    pollfd ended{process.get(), POLLIN, 0};
    while (process && ::poll(&ended, 1, -1) < 0)
        if (errno != EINTR) return system_error("wait for master");
    return {};
}

std::string find_program(const std::string& name) {
    char path[4096];
    ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
    std::string self(path, size > 0 ? static_cast<std::size_t>(size) : 0);
    std::string beside = self.substr(0, self.rfind('/') + 1) + name;
    if (::access(beside.c_str(), X_OK) == 0) return beside;
    return std::string(kInstalled) + "/" + name;
}

int complain(std::string_view text) {
    std::fprintf(stderr, "facteur: %.*s\n", static_cast<int>(text.size()), text.data());
    return 1;
}

}  // namespace facteur::tool
