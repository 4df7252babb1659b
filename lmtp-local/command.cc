#include "lmtp-local/command.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <paths.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/text.h"
#include "lib/base/write_all.h"
#include "lmtp-local/pipe_form.h"
#include "lmtp-local/unix_form.h"

namespace facteur::lmtp_local {
namespace {

/// A command's arguments for execve(2), made before fork(2): the child allocates nothing.
class Arguments {
public:
    explicit Arguments(const std::vector<std::string>& words) : words_(words) {
        for (std::string& word : words_)
            pointers_.push_back(word.data());
        pointers_.push_back(nullptr);
    }
    char* const* get() const { return pointers_.data(); }

private:
    std::vector<std::string> words_;
    std::vector<char*> pointers_;
};

struct Programs {
    Arguments direct;  ///< empty: there is nothing to be run without a shell
    Arguments shell;   ///< empty: no shell is wanted
    Arguments environment;
};

/// How it is run.
struct Frame {
    std::string directory;
    std::int64_t seconds = 0;
    std::size_t output_limit = 0;
    int alive = -1;
};

Programs programs_of(const CommandTask& task) {
    std::vector<std::string> shell = {"/bin/sh", "-c", task.command};
    std::vector<std::string> direct = plain_words(task.command);
    if (!task.shell.empty()) {
        direct.clear();
        shell.clear();
        for (std::string_view word : words(task.shell))
            shell.emplace_back(word);
        shell.push_back(task.command);
    }
    return Programs{Arguments(direct), Arguments(shell), Arguments(task.environment)};
}

/// In the child, up to its exec.
[[noreturn]] void become_command(const Programs& programs, int input, int output) {
    ::setsid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a hand that was killed could not kill it
    ::dup2(input, STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::close_range(3, ~0U, 0);
    for (int signal = 1; signal < NSIG; ++signal)
        std::signal(signal, SIG_DFL);  // NOLINT: what cannot be set is not ours to set
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (programs.direct.get()[0])
        ::execvpe(programs.direct.get()[0], programs.direct.get(), programs.environment.get());
    // A word of the shell, or what is not there: the shell says so.
    if (programs.shell.get()[0])
        ::execvpe(programs.shell.get()[0], programs.shell.get(), programs.environment.get());
    ::dprintf(STDERR_FILENO, "cannot run %s: %s\n", programs.direct.get()[0],
              ::strerrordesc_np(errno));
    ::_exit(EX_TEMPFAIL);
}

Result<Fd> input_of(const CommandTask& task, int content) {
    Fd file(::memfd_create("facteur-command", MFD_CLOEXEC));
    if (!file) return system_error("memory file");
    if (task.bare) return file;
    TRY_VOID(to_unix_form(UnixForm::command, task.from_line, task.prefix, content, task.offset,
                          task.size, [&](std::string_view piece) -> Result<void> {
                              if (!write_all(file.get(), piece)) return system_error("memory file");
                              return {};
                          }));
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return system_error("memory file");
    return file;
}

/// The message as flags B . > and eol= want it.
Result<Fd> input_of(const PipeTask& task, int content) {
    Fd file(::memfd_create("facteur-pipe", MFD_CLOEXEC));
    if (!file) return system_error("memory file");
    auto put = [&](std::string_view piece) -> Result<void> {
        if (!write_all(file.get(), piece)) return system_error("memory file");
        return {};
    };
    PipeForm form(task.eol, task.dots, task.quote_from);
    auto encode = [&](std::string_view piece) { return put(form.encode(piece)); };
    std::string top = task.from_line.empty() ? "" : task.from_line + "\n";
    for (char c : task.prefix)
        if (c != '\r') top += c;
    TRY_VOID(put(PipeForm(task.eol, false, false).encode(top)));
    TRY_VOID(to_unix_form(UnixForm::command, "", "", content, task.offset, task.size, encode));
    if (task.blank_line) {
        TRY_VOID(put(task.eol));
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return system_error("memory file");
    return file;
}

/// What there is to be read, up to the limit; the rest is read and dropped.
bool read_output(int fd, std::string& output, std::size_t limit) {
    char block[4096];
    for (;;) {
        ssize_t got = ::read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return true;  // EAGAIN
        if (got == 0) return false;
        auto size = static_cast<std::size_t>(got);
        output.append(block, std::min(size, limit - output.size()));
    }
}

/// Until the command ends; its children may go on and keep its output open.
Ended wait_for(pid_t child, int pidfd, int output, const Frame& frame) {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::seconds(frame.seconds);
    Ended ended;
    bool open = true;
    for (bool done = false; !done;) {
        auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd waiting[3] = {
            {open ? output : -1, POLLIN, 0}, {pidfd, POLLIN, 0}, {frame.alive, POLLRDHUP, 0}};
        int ready =
            left > 0 ? ::poll(waiting, 3, static_cast<int>(std::min<long>(left, 60000))) : 0;
        if (ready < 0) continue;  // EINTR
        if (waiting[0].revents) open = read_output(output, ended.output, frame.output_limit);
        done = waiting[1].revents != 0;
        const bool abandoned = waiting[2].revents != 0;
        if (!done && (left <= 0 || abandoned)) {
            ended.timed_out = true;
            ::kill(-child, SIGKILL);  // not reaped: the number is still its own
            done = true;
        }
    }
    while (::waitpid(child, &ended.status, 0) < 0 && errno == EINTR) {
    }
    if (open) read_output(output, ended.output, frame.output_limit);
    return ended;
}

/// Runs a program until it ends.
Result<Ended> run(const Programs& programs, const Fd& input, const Frame& frame) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return system_error("pipe");
    Fd output(pipe[0]);
    Fd its_output(pipe[1]);
    ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
    if (!frame.directory.empty() && ::chdir(frame.directory.c_str()) != 0)
        return system_error("change to " + frame.directory);
    pid_t child = ::fork();
    if (child < 0) return system_error("fork");
    if (child == 0) become_command(programs, input.get(), its_output.get());
    its_output.reset();
    Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    Ended ended = wait_for(child, pidfd.get(), output.get(), frame);
    if (!frame.directory.empty() && ::chdir("/") != 0) return system_error("chdir /");
    return ended;
}

}  // namespace

std::vector<std::string> plain_words(std::string_view command) {
    constexpr std::string_view kPlain =
        "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ \t";
    std::vector<std::string> out;
    if (command.find_first_not_of(kPlain) != std::string_view::npos) return out;
    for (std::string_view word : words(command))
        out.emplace_back(word);
    // NAME=value before the command is the shell's.
    if (!out.empty() && out.front().find_first_of("=!") != std::string::npos) out.clear();
    return out;
}

std::vector<std::string> exported_environment(const std::vector<std::string>& names) {
    std::vector<std::string> out = {std::string("PATH=") + _PATH_DEFPATH};
    for (const std::string& name : names) {
        if (name.starts_with("PATH=")) out.erase(out.begin());
        if (name.find('=') != std::string::npos) {
            out.push_back(name);
        } else if (const char* found = std::getenv(name.c_str()); found && name != "PATH") {
            out.push_back(name + "=" + found);
        }
    }
    return out;
}

Result<void> run_command(const CommandTask& task, int content, int alive) {
    TRY(Fd input, input_of(task, content));
    Frame frame{task.directory, task.seconds, task.output_limit, alive};
    TRY(Ended ended, run(programs_of(task), input, frame));
    return judge_command(task.command, ended);
}

Result<std::string> run_pipe(const PipeTask& task, int content, int alive) {
    if (task.argv.empty()) return temporary("no command", "4.3.5");
    TRY(Fd input, input_of(task, content));
    Frame frame{task.directory, task.seconds, task.output_limit, alive};
    const Programs programs{Arguments(task.argv), Arguments({}), Arguments(task.environment)};
    TRY(Ended ended, run(programs, input, frame));
    TRY_VOID(judge_command(task.argv.front(), ended));
    return std::string(trim(ended.output));
}

}  // namespace facteur::lmtp_local
