#include "policyd/memory.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fd.h"
#include "lib/base/read_file.h"
#include "lib/base/text.h"
#include "lib/base/write_all.h"

namespace facteur::policyd {
namespace {

constexpr std::size_t kValueLimit = 128 * 1024;
constexpr std::size_t kReplyLimit = 512 * 1024;

Result<std::vector<std::string>> keys_in(const std::string& folder) {
    std::vector<std::string> keys;
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
        std::string name = entry.path().filename();
        if (is_memory_name(name)) keys.push_back(std::move(name));
    }
    std::ranges::sort(keys);
    return keys;
}

Result<void> flush_folder(const std::string& folder) {
    Fd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened || ::fsync(opened.get()) < 0) return system_error("flush " + folder);
    return {};
}

/// Written beside, flushed, renamed: after a power cut there is the old value or the new one.
Result<void> write_value(const std::string& folder, const std::string& key,
                         const std::string& value, std::size_t limit) {
    if (::mkdir(folder.c_str(), 0700) < 0 && errno != EEXIST)
        return system_error("mkdir " + folder);
    std::string path = folder + "/" + key;
    if (::access(path.c_str(), F_OK) < 0) {
        TRY(auto keys, keys_in(folder));
        if (keys.size() >= limit) return temporary("the memory is full");
    }
    static std::atomic<unsigned> number{0};
    std::string unfinished = folder + "/." + std::to_string(number++) + ".new";
    Fd file(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file) return system_error("open " + unfinished);
    if (!write_all(file.get(), value)) return system_error("write " + unfinished);
    if (::fsync(file.get()) < 0) return system_error("flush " + unfinished);
    if (::rename(unfinished.c_str(), path.c_str()) < 0) return system_error("rename " + path);
    return flush_folder(folder);
}

Result<ipc::RecallReply> read_values(const std::string& folder, const std::string& after) {
    ipc::RecallReply reply;
    TRY(auto keys, keys_in(folder));
    std::size_t size = 0;
    for (auto key = std::ranges::upper_bound(keys, after); key != keys.end(); ++key) {
        if (size >= kReplyLimit) {
            reply.more = true;
            break;
        }
        auto value = read_file(folder + "/" + *key, kValueLimit);
        if (!value) continue;
        size += key->size() + value->size();
        ipc::Memory memory;
        memory.key = *key;
        memory.value = *std::move(value);
        reply.memories.push_back(std::move(memory));
    }
    return reply;
}

}  // namespace

bool is_memory_name(std::string_view name) {
    if (name.empty() || name.size() > 255 || name.front() == '.') return false;
    return std::ranges::all_of(name, [](char c) {
        return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

Task<Result<void>> Memory::remember(ipc::Remember wish) {
    if (!is_memory_name(wish.area) || !is_memory_name(wish.key) || wish.value.size() > kValueLimit)
        co_return permanent("nothing to keep");
    std::string folder = folder_ + "/" + wish.area;
    std::function<Result<void>()> work = [&] {
        return write_value(folder, wish.key, wish.value, limit_);
    };
    co_return co_await workers_.run<Result<void>>(std::move(work));
}

Task<Result<void>> Memory::forget(ipc::Forget wish) {
    if (!is_memory_name(wish.area) || !is_memory_name(wish.key))
        co_return permanent("nothing to forget");
    std::string path = folder_ + "/" + wish.area + "/" + wish.key;
    std::function<Result<void>()> work = [&]() -> Result<void> {
        if (::unlink(path.c_str()) < 0 && errno != ENOENT) return system_error("unlink " + path);
        return {};
    };
    co_return co_await workers_.run<Result<void>>(std::move(work));
}

Task<Result<ipc::RecallReply>> Memory::recall(ipc::Recall wish) {
    if (!is_memory_name(wish.area)) co_return permanent("no such area");
    std::string folder = folder_ + "/" + wish.area;
    std::function<Result<ipc::RecallReply>()> work = [&] {
        return read_values(folder, wish.after);
    };
    co_return co_await workers_.run<Result<ipc::RecallReply>>(std::move(work));
}

}  // namespace facteur::policyd
