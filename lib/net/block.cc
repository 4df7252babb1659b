#include "lib/net/block.h"

#include <cstring>
#include <string>
#include <vector>

namespace facteur {
namespace {

constexpr std::size_t kKept = 32;

std::vector<std::unique_ptr<char[]>>& pool() {
    thread_local std::vector<std::unique_ptr<char[]>> blocks;
    return blocks;
}

}  // namespace

char* Block::space() {
    if (!memory_) {
        if (pool().empty()) {
            memory_.reset(new char[kSize]);  // not zeroed: it is written before it is read
        } else {
            memory_ = std::move(pool().back());
            pool().pop_back();
        }
        capacity_ = kSize;
    }
    if (begin_ == end_) begin_ = end_ = 0;
    return memory_.get() + end_;
}

void Block::put_in_front(std::string_view bytes) {
    std::string all(bytes);
    all += view();
    drop();
    if (all.empty()) return;
    capacity_ = std::max(all.size(), kSize);
    memory_.reset(new char[capacity_]);
    std::memcpy(memory_.get(), all.data(), all.size());
    end_ = all.size();
}

void Block::drop() {
    if (memory_ && capacity_ == kSize && pool().size() < kKept)
        pool().push_back(std::move(memory_));
    memory_.reset();
    begin_ = end_ = capacity_ = 0;
}

}  // namespace facteur
