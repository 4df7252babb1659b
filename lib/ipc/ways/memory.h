#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "lib/ipc/codec.h"
#include "lib/ipc/rpc.h"

/// What daemons that can open no file have policyd keep for them, over restarts.
namespace facteur::ipc {

/// smtp-client -> policyd: keep this; an older value of the same key is replaced.  The answer
/// means: on disk.
struct Remember {
    std::string area;  ///< "sts"
    std::string key;   ///< letters, digits, dots, dashes, underscores
    std::string value;

    using Reply = Nothing;
    static constexpr std::string_view kName = "remember";
    static constexpr auto fields() {
        using M = Remember;
        return std::tuple{Field{"area", &M::area}, Field{"key", &M::key},
                          Field{"value", &M::value}};
    }
};

/// The key is of no more use.
struct Forget {
    std::string area;
    std::string key;

    using Reply = Nothing;
    static constexpr std::string_view kName = "forget";
    static constexpr auto fields() {
        using M = Forget;
        return std::tuple{Field{"area", &M::area}, Field{"key", &M::key}};
    }
};

struct Memory {
    std::string key;
    std::string value;

    static constexpr auto fields() {
        using M = Memory;
        return std::tuple{Field{"key", &M::key}, Field{"value", &M::value}};
    }
};
struct RecallReply {
    std::vector<Memory> memories;
    bool more = false;  ///< ask again, from behind the last key

    static constexpr auto fields() {
        using M = RecallReply;
        return std::tuple{Field{"memories", &M::memories}, Field{"more", &M::more, true}};
    }
};
/// All that is kept in an area, in the order of the keys, some at a time.
struct Recall {
    std::string area;
    std::string after;

    using Reply = RecallReply;
    static constexpr std::string_view kName = "recall";
    static constexpr auto fields() {
        using M = Recall;
        return std::tuple{Field{"area", &M::area}, Field{"after", &M::after, true}};
    }
};

}  // namespace facteur::ipc
