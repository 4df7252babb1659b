#include "lib/ipc/codec.h"

#include <catch2/catch.hpp>

using namespace facteur;

namespace {

enum class Colour : std::uint8_t { red, green };

struct Inner {
    std::string name;
    std::int32_t number = 0;
    static constexpr auto fields() {
        using M = Inner;
        return std::tuple{ipc::Field{"name", &M::name}, ipc::Field{"number", &M::number}};
    }
    bool operator==(const Inner&) const = default;
};

struct Outer {
    std::string text;
    std::uint64_t size = 0;
    bool flag = false;
    Colour colour = Colour::red;
    std::vector<std::string> list;
    std::vector<Inner> inners;
    std::string extra = "default";
    static constexpr auto fields() {
        using M = Outer;
        return std::tuple{ipc::Field{"text", &M::text},        ipc::Field{"size", &M::size},
                          ipc::Field{"flag", &M::flag},        ipc::Field{"colour", &M::colour},
                          ipc::Field{"list", &M::list},        ipc::Field{"inners", &M::inners},
                          ipc::Field{"extra", &M::extra, true}};
    }
    bool operator==(const Outer&) const = default;
};

Outer example() {
    Outer m;
    m.text = std::string("a\0b", 3);
    m.size = UINT64_MAX;
    m.flag = true;
    m.colour = Colour::green;
    m.list = {"", std::string(300, 'x')};
    m.inners = {Inner{"one", 127}, Inner{"", 1 << 20}};
    m.extra = "given";
    return m;
}

}  // namespace

TEST_CASE("a message comes back as it was", "[ipc]") {
    CHECK(ipc::decode<Outer>(ipc::encode(example())) == example());
    CHECK(ipc::decode<Outer>(ipc::encode(Outer{})) == Outer{});
}

TEST_CASE("no truncation of a message is a crash or a different message", "[ipc]") {
    std::string wire = ipc::encode(example());
    for (std::size_t n = 0; n < wire.size(); ++n) {
        auto cut = ipc::decode<Outer>(std::string_view(wire).substr(0, n));
        CHECK((!cut || !(*cut == example())));
    }
}

TEST_CASE("unknown attributes are skipped, missing ones are an error unless optional", "[ipc]") {
    std::string wire = ipc::encode(Inner{"n", 5});
    ipc::detail::put_entry(wire, "later", "whatever");
    CHECK(ipc::decode<Inner>(wire) == Inner{"n", 5});
    std::string partial;
    ipc::detail::put_entry(partial, "name", "n");
    CHECK_FALSE(ipc::decode<Inner>(partial));
    Outer outer = example();
    std::string full = ipc::encode(outer);
    std::string without = full.substr(0, full.find("\x05"
                                                   "extra"));
    outer.extra = "default";
    CHECK(ipc::decode<Outer>(without) == outer);
}

TEST_CASE("a number that does not fit its field is refused", "[ipc]") {
    std::string wire;
    ipc::detail::put_entry(wire, "name", "n");
    std::string big;
    ipc::detail::put_length(big, UINT64_MAX / 2);
    ipc::detail::put_entry(wire, "number", big);
    CHECK_FALSE(ipc::decode<Inner>(wire));
}
