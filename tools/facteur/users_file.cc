#include "tools/facteur/users_file.h"

#include <cstdio>
#include <filesystem>
#include <iostream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/config/load.h"
#include "lib/sasl/password.h"
#include "tools/facteur/instance.h"
#include "tools/facteur/known.h"

namespace facteur::tool {
namespace {

constexpr std::string_view kPasswdFile = "passwd-file:";

/// The file, locked.  A rename by the one who held the lock before leaves us with an old file:
/// then once more.
Result<Fd> open_locked(const std::string& path) {
    for (;;) {
        Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640));
        if (!file) return system_error("open " + path);
        if (::flock(file.get(), LOCK_EX) < 0) return system_error("lock " + path);
        struct stat ours {};
        struct stat named {};
        if (::fstat(file.get(), &ours) < 0) return system_error("stat " + path);
        if (::stat(path.c_str(), &named) == 0 && named.st_ino == ours.st_ino) return file;
    }
}

Result<void> write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t put = ::write(fd, text.data(), text.size());
        if (put < 0) return system_error("write");
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Result<void> fill_like(int fd, int model, std::string_view text) {
    struct stat old {};
    if (::fstat(model, &old) < 0) return system_error("stat");
    // An ordinary user can only keep its own files; for root the daemon's group matters.
    if (::fchown(fd, old.st_uid, old.st_gid) < 0) return system_error("chown");
    if (::fchmod(fd, old.st_mode & 07777) < 0) return system_error("chmod");
    TRY_VOID(write_all(fd, text));
    if (::fsync(fd) < 0) return system_error("fsync");
    return {};
}

/// Switches the terminal's echo off for as long as it lives.
class Silence {
public:
    Silence() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;
    ~Silence() {
        if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }

private:
    termios before_{};
    bool changed_ = false;
};

Result<std::string> prompt(const std::string& question) {
    std::fputs(question.c_str(), stderr);
    std::string line;
    const Silence silence;
    if (!std::getline(std::cin, line)) return permanent("no password");
    std::fputs("\n", stderr);
    return line;
}

}  // namespace

Result<std::string> users_file_of(const std::string& directory) {
    TRY(auto instance, Instance::open(directory));
    // authd declares the parameter, so authd is asked for its default.
    const KnownParameters known({find_program("authd")});
    const Known* passdb = known.find("auth_passdb");
    if (!passdb) return permanent("authd cannot be asked where the users are");
    const conf::Setting* written = instance.main_cf.find("auth_passdb");
    const conf::Values values(instance.main_cf, instance.settings->params);
    TRY(auto text, values.expand(written ? written->value : passdb->default_text));
    for (std::string_view entry : words(text))
        if (entry.starts_with(kPasswdFile)) return std::string(entry.substr(kPasswdFile.size()));
    return permanent("auth_passdb names no passwd-file: other users are not managed here");
}

Result<void> change_users(const std::string& path,
                          const std::function<Result<std::string>(std::string_view)>& change) {
    TRY(const Fd file, open_locked(path));
    TRY(auto text, read_file(path));
    TRY(auto changed, change(text));
    std::string fresh = path + ".XXXXXX";
    const Fd out(::mkostemp(fresh.data(), O_CLOEXEC));
    if (!out) return system_error("open " + fresh);
    auto filled = fill_like(out.get(), file.get(), changed);
    if (filled && ::rename(fresh.c_str(), path.c_str()) < 0) filled = system_error("rename");
    if (!filled) {
        ::unlink(fresh.c_str());
        return filled;
    }
    const std::string folder = std::filesystem::path(path).parent_path();
    const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) ::fsync(directory.get());
    return {};
}

Result<std::string> ask_password(const std::string& user) {
    std::string password;
    if (::isatty(STDIN_FILENO)) {
        TRY(password, prompt("Password for " + user + ": "));
        TRY(auto again, prompt("Once more: "));
        if (password != again) return permanent("the two passwords differ");
        sasl::wipe(again);
    } else if (!std::getline(std::cin, password)) {
        return permanent("no password on standard input");
    }
    if (password.empty()) return permanent("the password is empty");
    return password;
}

}  // namespace facteur::tool
