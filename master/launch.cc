#include "master/launch.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "lib/base/fd.h"

namespace facteur::master {
namespace {

constexpr int kFirst = 3;

/// Moves the descriptors to 3, 4 …  Only calls that are safe between fork and exec.
/// All go out of the way first: a target may be another's source.
void arrange(std::vector<int>& descriptors) {
    int above = kFirst + static_cast<int>(descriptors.size());
    for (int& fd : descriptors)
        if (fd >= 0) fd = ::fcntl(fd, F_DUPFD, above);
    int target = kFirst;
    for (int fd : descriptors) {
        if (fd >= 0)
            ::dup2(fd, target);
        else
            ::close(target);
        ++target;
    }
    ::close_range(static_cast<unsigned>(above), ~0U, 0);
}

void default_signals() {
    for (int signal : {SIGPIPE, SIGTERM, SIGHUP, SIGINT, SIGCHLD})
        ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> out;
    for (const std::string& word : words)
        out.push_back(const_cast<char*>(word.c_str()));
    out.push_back(nullptr);
    return out;
}

}  // namespace

Result<pid_t> launch(const Launch& what) {
    std::vector<std::string> words = what.arguments;
    words.insert(words.begin(), what.program);
    std::vector<char*> arguments = pointers(words);
    std::vector<char*> environment = pointers(what.environment);
    std::vector<int> descriptors = what.descriptors;
    // A missing program is told here: behind the fork nobody could say so.
    if (::access(what.program.c_str(), X_OK) < 0) return system_error(what.program);
    pid_t child = ::fork();
    if (child < 0) return system_error("fork");
    if (child > 0) return child;
    int null = ::open("/dev/null", O_RDONLY);
    if (null > 0) ::dup2(null, STDIN_FILENO);
    arrange(descriptors);
    default_signals();
    ::execve(what.program.c_str(), arguments.data(), environment.data());
    ::_exit(127);
}

std::vector<std::string> kept_environment() {
    constexpr std::string_view kept[] = {"TZ=",           "LANG=",          "FACTEUR_",
                                         "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LD_PRELOAD=",
                                         "OPENSSL_CONF="};
    std::vector<std::string> out{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    for (char** entry = environ; *entry; ++entry) {
        std::string_view text(*entry);
        bool keep = std::any_of(std::begin(kept), std::end(kept),
                                [&](std::string_view name) { return text.starts_with(name); });
        if (keep) out.emplace_back(text);
    }
    return out;
}

}  // namespace facteur::master
