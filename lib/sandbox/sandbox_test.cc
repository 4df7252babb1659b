#include "lib/sandbox/sandbox.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sandbox/identity.h"

using namespace facteur;
using namespace facteur::sandbox;

namespace {

/// errno of `attempt` (0: it worked) in a child that is locked in with `privileges`.
int locked(const Privileges& privileges, const Kernel& kernel,
           const std::function<bool()>& attempt) {
    pid_t child = ::fork();
    if (child == 0) {
        Sandbox sandbox(privileges, kernel);
        if (!sandbox.lock()) ::_exit(255);
        errno = 0;
        ::_exit(attempt() ? 0 : errno);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool can_open(const std::string& path, int flags) {
    Fd fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
    return static_cast<bool>(fd);
}

bool can_make_socket(int family) {
    Fd fd(::socket(family, SOCK_STREAM, 0));
    return static_cast<bool>(fd);
}

bool can_connect_out() {
    Fd fd(::socket(AF_INET, SOCK_STREAM, 0));
    if (!fd) return false;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(1);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // Nobody listens there: to be refused by the peer is to have been let out.
    return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ||
           errno == ECONNREFUSED;
}

bool can_exec() {
    ::execl("/bin/true", "true", nullptr);
    return false;  // only reached when it failed
}

struct Folder {
    Folder() {
        char name[] = "/tmp/facteur-sandbox-XXXXXX";
        path = ::mkdtemp(name);
        for (const char* below : {"read", "write", "other"}) {
            std::filesystem::create_directory(path / below);
            std::ofstream(path / below / "file") << "x";
        }
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

Kernel only_seccomp() {
    Kernel kernel = probe();
    kernel.landlock_abi = 0;
    return kernel;
}

}  // namespace

TEST_CASE("sockets are those of the privilege table", "[sandbox]") {
    if (!probe().seccomp) return;
    auto [network, to_unix, to_inet] = GENERATE(table<Network, int, int>({
        {Network::none, EPERM, EPERM},
        {Network::unix_only, 0, EPERM},
        {Network::inet, 0, 0},
    }));
    Privileges privileges;
    privileges.network = network;
    CHECK(locked(privileges, probe(), [] { return can_make_socket(AF_UNIX); }) == to_unix);
    CHECK(locked(privileges, probe(), [] { return can_connect_out(); }) == to_inet);
    CHECK(locked(privileges, probe(), [] { return can_make_socket(AF_PACKET); }) == EPERM);
}

TEST_CASE("exec works only with an executable path", "[sandbox]") {
    Privileges privileges;
    CHECK(locked(privileges, only_seccomp(), can_exec) == EPERM);
    privileges.executable = {"/bin/true"};
    CHECK(locked(privileges, probe(), can_exec) == 0);
}

TEST_CASE("what nobody needs is forbidden, what is asked for is not", "[sandbox]") {
    Privileges privileges;
    auto reopen_root = [] { return ::chroot("/") == 0; };
    auto mount = [] { return ::mount("none", "/mnt", "tmpfs", 0, nullptr) == 0; };
    CHECK(locked(privileges, probe(), reopen_root) == EPERM);
    CHECK(locked(privileges, probe(), mount) == EPERM);
    if (::geteuid() != 0) return;
    privileges.system_calls = {"chroot"};
    CHECK(locked(privileges, only_seccomp(), reopen_root) == 0);
}

TEST_CASE("an unknown system call in the table is an error, not a hole", "[sandbox]") {
    Privileges privileges;
    privileges.system_calls = {"no_such_call"};
    CHECK(locked(privileges, only_seccomp(), [] { return true; }) == 255);
}

TEST_CASE("paths are those of the privilege table, where the kernel has Landlock", "[sandbox]") {
    Folder folder;
    std::string root = folder.path;
    Privileges privileges;
    privileges.readable = {root + "/read"};
    privileges.writable = {root + "/write", root + "/not-there"};
    Kernel kernel = probe();
    int forbidden = kernel.landlock_abi > 0 ? EACCES : 0;
    auto opens = [&](const std::string& path, int flags) {
        return locked(privileges, kernel, [&] { return can_open(root + path, flags); });
    };
    CHECK(opens("/read/file", O_RDONLY) == 0);
    CHECK(opens("/read/file", O_RDWR) == forbidden);
    CHECK(opens("/read/new", O_WRONLY | O_CREAT) == forbidden);
    CHECK(opens("/write/file", O_RDWR) == 0);
    CHECK(opens("/write/new", O_WRONLY | O_CREAT) == 0);
    CHECK(opens("/other/file", O_RDONLY) == forbidden);
}

TEST_CASE("without Landlock the rest is enforced and the lack is named", "[sandbox]") {
    Folder folder;
    Privileges privileges;
    CHECK(locked(privileges, only_seccomp(),
                 [&] { return can_open(folder.path / "other" / "file", O_RDONLY); }) == 0);
    CHECK(locked(privileges, only_seccomp(), can_exec) == EPERM);
    pid_t child = ::fork();
    if (child == 0) {
        Sandbox sandbox(privileges, Kernel());
        auto missing = sandbox.lock();
        bool named = missing && *missing == std::vector<std::string>{"Landlock", "seccomp"};
        ::_exit(named ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
}

TEST_CASE("becoming somebody gives up root for good", "[sandbox]") {
    if (::geteuid() != 0) return;
    Folder folder;
    std::filesystem::permissions(folder.path, std::filesystem::perms::all);
    pid_t child = ::fork();
    if (child == 0) {
        Identity identity;
        identity.user = "nobody";
        identity.directory = folder.path;
        identity.chroot = true;
        if (!become(identity)) ::_exit(1);
        if (::getuid() == 0 || ::getgid() == 0 || ::setuid(0) == 0) ::_exit(2);
        ::_exit(can_open("/read/file", O_RDONLY) && !can_open("/etc/passwd", O_RDONLY) ? 0 : 3);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 0);
    Identity nobody_there;
    nobody_there.user = "no-such-user-here";
    CHECK_FALSE(become(nobody_there).has_value());
}

TEST_CASE("the owner of mail is one user without power, and never root", "[sandbox]") {
    if (::geteuid() != 0) return;
    auto outcome = [](uid_t uid, gid_t gid) {
        pid_t child = ::fork();
        if (child == 0) {
            gid_t more[] = {0, 1};
            if (::setgroups(2, more) < 0) ::_exit(9);
            if (!become_owner(uid, gid)) ::_exit(1);
            uid_t uids[3] = {};
            ::getresuid(&uids[0], &uids[1], &uids[2]);
            gid_t groups[4] = {};
            bool only = ::getgroups(4, groups) == 1 && groups[0] == gid && ::getegid() == gid;
            bool changed = uids[0] == uid && uids[1] == uid && uids[2] == uid;
            ::_exit(only && changed && ::setuid(0) < 0 ? 0 : 2);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WEXITSTATUS(status);
    };
    CHECK(outcome(61001, 61002) == 0);
    CHECK(outcome(0, 61002) == 1);
    CHECK(outcome(61001, 0) == 1);
}
