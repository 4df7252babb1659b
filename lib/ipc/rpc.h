#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/fd.h"
#include "lib/base/result.h"
#include "lib/ipc/codec.h"

namespace facteur::ipc {

/// A message with the descriptors that travel beside it.
template <Message M>
class Packet {
public:
    Packet() = default;
    explicit Packet(M packet_message, std::vector<Fd> packet_fds = {})
        : message(std::move(packet_message)), fds(std::move(packet_fds)) {}
    M message;
    std::vector<Fd> fds;
};

/// A question: `static constexpr std::string_view kName`, and the type of its answer as `Reply`.
template <class M>
concept Request = Message<M> && Message<typename M::Reply> && requires {
    { M::kName } -> std::convertible_to<std::string_view>;
};

/// The answer to a question that has nothing to say.
struct Nothing {
    static constexpr auto fields() { return std::tuple{}; }
};

/// The answer when a handler returns an Error.
struct Refusal {
    static constexpr std::string_view kName = "refusal";
    std::uint8_t permanent = 0;
    std::string status;
    std::string text;
    static constexpr auto fields() {
        using M = Refusal;
        return std::tuple{Field{"permanent", &M::permanent}, Field{"status", &M::status},
                          Field{"text", &M::text}};
    }
};

/// The name of every answer but a Refusal.
inline constexpr std::string_view kAnswer = "answer";

}  // namespace facteur::ipc
