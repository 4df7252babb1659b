#include "tools/facteur/spawn.h"

#include <cstring>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace facteur::tool {

Result<int> run_program(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t pid = -1;
    if (int error = ::posix_spawn(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ))
        return permanent(words[0] + ": " + std::strerror(error));
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace facteur::tool
