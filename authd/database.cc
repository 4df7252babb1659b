#include "authd/database.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encoding.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"

namespace facteur::authd {
namespace {

Result<std::string> read_all(int fd, std::size_t size) {
    std::string text(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        const ssize_t got = ::read(fd, text.data() + have, size - have);
        if (got < 0) return system_error("read");
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}

/// Differs between processes: nobody can learn which user stands in for which name.
std::size_t seed_of(std::string_view name) {
    static const std::string secret = random_bytes(16);
    return std::hash<std::string>()(secret + std::string(name));
}

}  // namespace

Result<void> PasswdDatabase::refresh() {
    struct stat now {};
    if (::stat(path_.c_str(), &now) != 0) return system_error(path_);
    const Version version{now.st_mtim.tv_sec, now.st_mtim.tv_nsec, now.st_size, now.st_ino};
    if (version == version_) return {};
    const Fd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return system_error(path_);
    TRY(auto text, read_all(fd.get(), static_cast<std::size_t>(now.st_size)));
    file_ = std::make_unique<sasl::PasswdFile>(std::move(text));
    version_ = version;
    return {};
}

Result<std::optional<sasl::PasswdEntry>> PasswdDatabase::find(std::string_view user) {
    const auto fresh = refresh();
    if (!fresh && !warned_) log_warning("passwd-file: " + fresh.error().text);
    warned_ = !fresh;
    if (!file_) return std::unexpected(fresh.error());
    return file_->find(user);
}

std::string PasswdDatabase::stand_in(std::string_view name) const {
    if (!file_) return {};
    auto entry = file_->sample(seed_of(name));
    return entry ? std::move(entry->password) : std::string();
}

}  // namespace facteur::authd
