#include "lib/store/quota/maildirsize.h"

#include <cerrno>
#include <ctime>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/text.h"
#include "lib/base/write_all.h"
#include "lib/store/maildir/file_name.h"
#include "lib/store/maildir/files.h"
#include "lib/store/maildir/message_file.h"

namespace facteur::store::quota {
namespace {

/// A file of so many bytes is written anew (the Maildir++ specification).
constexpr std::size_t kMostBytes = 5120;
/// What a file of this age says of an exceeded quota is believed no more.
constexpr std::time_t kStale = 15 * 60;

std::optional<std::int64_t> parse_signed(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative) text.remove_prefix(1);
    auto number = parse_number(text);
    constexpr std::uint64_t kLargest = std::uint64_t{1} << 60;
    if (!number || *number > kLargest) return std::nullopt;
    const auto value = static_cast<std::int64_t>(*number);
    return negative ? -value : value;
}

std::optional<Limits> parse_limits(std::string_view line) {
    Limits limits;
    if (trim(line) == "NOQUOTA") return limits;
    for (std::string_view one : split(line, ',')) {
        one = trim(one);
        if (one.empty()) continue;
        auto number = parse_number(one.substr(0, one.size() - 1));
        if (!number) return std::nullopt;
        if (one.back() == 'S') limits.bytes = *number;
        if (one.back() == 'C') limits.messages = *number;
    }
    return limits;
}

/// Adds the messages of one directory.  What vanishes meanwhile is not there any more.
Result<void> add_directory(const std::string& path, Usage& usage) {
    std::error_code failure;
    std::filesystem::directory_iterator entry(path, failure);
    for (; entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
        const std::string name = entry->path().filename();
        if (name.starts_with('.')) continue;
        auto size = size_in_name(name);
        struct stat found {};
        if (!size) {
            if (::stat(entry->path().c_str(), &found) != 0) continue;
            size = static_cast<std::uint64_t>(found.st_size);
        }
        usage.bytes += static_cast<std::int64_t>(*size);
        ++usage.messages;
    }
    if (failure && failure != std::errc::no_such_file_or_directory)
        return temporary("read " + path + ": " + failure.message());
    return {};
}

Result<void> add_folder(const std::string& dir, Usage& usage) {
    TRY_VOID(add_directory(dir + "/new", usage));
    return add_directory(dir + "/cur", usage);
}

}  // namespace

std::optional<std::uint64_t> size_in_name(std::string_view name) {
    return maildir::parse_file_name(name).size;
}

std::string format_limits(const Limits& limits) {
    std::string out;
    if (limits.bytes) out = std::to_string(limits.bytes) + "S";
    if (limits.messages) out += (out.empty() ? "" : ",") + std::to_string(limits.messages) + "C";
    return out.empty() ? "NOQUOTA" : out;
}

std::optional<SizeFile> parse_maildirsize(std::string_view text) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    SizeFile out;
    auto limits = parse_limits(text.substr(0, end));
    if (!limits) return std::nullopt;
    out.limits = *limits;
    text.remove_prefix(end + 1);
    while (!text.empty()) {
        const std::size_t next = text.find('\n');
        if (next == std::string_view::npos) return std::nullopt;  // torn
        std::string_view line = text.substr(0, next);
        text.remove_prefix(next + 1);
        auto bytes = parse_signed(take_word(line));
        auto messages = parse_signed(take_word(line));
        if (!bytes || !messages) return std::nullopt;
        if (__builtin_add_overflow(out.usage.bytes, *bytes, &out.usage.bytes) ||
            __builtin_add_overflow(out.usage.messages, *messages, &out.usage.messages))
            return std::nullopt;
        ++out.lines;
    }
    if (out.usage.bytes < 0 || out.usage.messages < 0) return std::nullopt;
    return out;
}

MaildirSize::MaildirSize(std::string root, Limits limits,
                         std::function<bool(std::string_view)> ignored, unsigned mode)
    : root_(std::move(root)), limits_(limits), ignored_(std::move(ignored)), mode_(mode) {}

bool MaildirSize::too_full(const Usage& usage) const {
    return (limits_.bytes && usage.bytes > static_cast<std::int64_t>(limits_.bytes)) ||
           (limits_.messages && usage.messages > static_cast<std::int64_t>(limits_.messages));
}

Result<Usage> MaildirSize::read() {
    TRY(auto known, recorded());
    return known ? Result<Usage>(*known) : count();
}

Result<std::optional<Usage>> MaildirSize::recorded() {
    const std::string path = root_ + "/maildirsize";
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && errno == ENOENT) return std::nullopt;
    if (!fd) return system_error("open " + path);
    struct stat found {};
    if (::fstat(fd.get(), &found) != 0) return system_error(path);
    std::string text(kMostBytes, '\0');
    const ssize_t got = ::read(fd.get(), text.data(), text.size());
    if (got < 0) return system_error("read " + path);
    text.resize(static_cast<std::size_t>(got));
    if (text.size() == kMostBytes) return std::nullopt;
    auto parsed = parse_maildirsize(text);
    if (!parsed || parsed->limits != limits_) return std::nullopt;
    const bool old = parsed->lines > 1 || std::time(nullptr) - found.st_mtime > kStale;
    if (old && too_full(parsed->usage)) return std::nullopt;
    return parsed->usage;
}

Result<Usage> MaildirSize::count() {
    Usage usage;
    if (!ignored_("")) {
        TRY_VOID(add_folder(root_, usage));
    }
    std::error_code failure;
    std::filesystem::directory_iterator entry(root_, failure);
    for (; entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
        const std::string name = entry->path().filename();
        if (!name.starts_with('.') || name.starts_with("..") || ignored_(name)) continue;
        if (!maildir::is_directory(root_ + "/" + name + "/cur")) continue;
        TRY_VOID(add_folder(root_ + "/" + name, usage));
    }
    if (failure && failure != std::errc::no_such_file_or_directory)
        return temporary("read " + root_ + ": " + failure.message());
    std::string text = format_limits(limits_) + "\n" + std::to_string(usage.bytes) + " " +
                       std::to_string(usage.messages) + "\n";
    const std::string fresh = root_ + "/tmp/" + maildir::unique_name("maildirsize");
    const std::string path = root_ + "/maildirsize";
    Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_));
    if (!fd && errno == ENOENT) return usage;  // no Maildir yet
    if (!fd) return system_error("create " + fresh);
    if (!write_all(fd.get(), text) || ::rename(fresh.c_str(), path.c_str()) != 0) {
        auto why = system_error("write " + path);
        ::unlink(fresh.c_str());
        return why;
    }
    return usage;
}

Result<void> MaildirSize::add(const Usage& change) {
    if (change == Usage()) return {};
    const std::string path = root_ + "/maildirsize";
    Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!fd && errno == ENOENT) return {};
    if (!fd) return system_error("open " + path);
    const std::string line =
        std::to_string(change.bytes) + " " + std::to_string(change.messages) + "\n";
    if (!write_all(fd.get(), line)) {
        auto why = system_error("write " + path);
        ::unlink(path.c_str());  // what it says now is wrong: the next reader counts
        return why;
    }
    return {};
}

}  // namespace facteur::store::quota
