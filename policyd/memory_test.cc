#include "policyd/memory.h"

#include <filesystem>

#include <catch2/catch.hpp>
#include <stdlib.h>

#include "lib/event/loop.h"
#include "lib/event/scope.h"

using namespace facteur;
using namespace facteur::policyd;

namespace {

struct Kept {
    Loop loop;
    Scope scope;
    WorkerPool workers{2};
    std::string folder;
    Memory memory;

    Kept() : folder(make_folder()), memory(workers, folder, 3) {}
    ~Kept() { std::filesystem::remove_all(folder); }
    static std::string make_folder() {
        char path[] = "/tmp/facteur-memory-XXXXXX";
        REQUIRE(::mkdtemp(path));
        return path;
    }
    static Task<void> put(Kept& self, std::string key, std::string value, bool& good) {
        ipc::Remember wish;
        wish.area = "sts";
        wish.key = std::move(key);
        wish.value = std::move(value);
        auto done = co_await self.memory.remember(std::move(wish));
        good = done.has_value();
    }
    bool put(std::string key, std::string value) {
        bool good = false;
        scope.spawn(put(*this, std::move(key), std::move(value), good));
        loop.run_until([this] { return scope.running() == 0; });
        return good;
    }
    static Task<void> drop(Kept& self, std::string key) {
        ipc::Forget wish;
        wish.area = "sts";
        wish.key = std::move(key);
        co_await self.memory.forget(std::move(wish));
    }
    static Task<void> all(Kept& self, std::string after, ipc::RecallReply& reply) {
        ipc::Recall wish;
        wish.area = "sts";
        wish.after = std::move(after);
        auto found = co_await self.memory.recall(std::move(wish));
        if (found) reply = *std::move(found);
    }
    std::string recalled(std::string after = "") {
        ipc::RecallReply reply;
        scope.spawn(all(*this, std::move(after), reply));
        loop.run_until([this] { return scope.running() == 0; });
        std::string text;
        for (const auto& one : reply.memories)
            text += one.key + "=" + one.value + " ";
        return text;
    }
};

}  // namespace

TEST_CASE_METHOD(Kept, "what is remembered is recalled until it is forgotten", "[policyd]") {
    CHECK(recalled().empty());
    CHECK(put("b.test", "1"));
    CHECK(put("a.test", "2"));
    CHECK(put("b.test", "3"));
    CHECK(recalled() == "a.test=2 b.test=3 ");
    CHECK(recalled("a.test") == "b.test=3 ");
    scope.spawn(drop(*this, "b.test"));
    loop.run_until([this] { return scope.running() == 0; });
    CHECK(recalled() == "a.test=2 ");
}

TEST_CASE_METHOD(Kept, "the memory has bounds and no way out of its folder", "[policyd]") {
    for (const std::string bad : {"", ".hidden", "../x", "a/b", "a b"})
        CHECK_FALSE(put(bad, "x"));
    CHECK_FALSE(put("long", std::string(200000, 'x')));
    CHECK(put("a", "1"));
    CHECK(put("b", "1"));
    CHECK(put("c", "1"));
    CHECK_FALSE(put("d", "1"));
    CHECK(put("c", "2"));
}
