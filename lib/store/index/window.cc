#include "lib/store/index/window.h"

#include <sys/mman.h>
#include <sys/stat.h>

namespace facteur::store::index {

std::string_view Window::at(int fd, std::uint64_t offset, std::size_t size) {
    if (offset > size_ || size > size_ - offset) {
        struct stat now {};
        if (fd < 0 || ::fstat(fd, &now) != 0) return {};
        auto whole = static_cast<std::size_t>(now.st_size);
        if (offset > whole || size > whole - offset) return {};
        close();
        void* base = ::mmap(nullptr, whole, PROT_READ, MAP_SHARED, fd, 0);
        if (base == MAP_FAILED) return {};
        base_ = static_cast<const char*>(base);
        size_ = whole;
    }
    return {base_ + offset, size};
}

void Window::close() {
    if (base_ != nullptr) ::munmap(const_cast<char*>(base_), size_);  // NOLINT: munmap's signature
    base_ = nullptr;
    size_ = 0;
}

}  // namespace facteur::store::index
