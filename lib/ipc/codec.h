#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "lib/base/result.h"

namespace facteur::ipc {

/// One attribute of a message: its name on the wire and the member that holds it.
template <class M, class T>
class Field {
public:
    constexpr Field(std::string_view field_name, T M::*field_member, bool may_be_missing = false)
        : name(field_name), member(field_member), optional(may_be_missing) {}
    std::string_view name;
    T M::*member;
    bool optional;  ///< a sender that does not know it leaves the default
};

/// A message is a struct with `static constexpr auto fields()` that returns a tuple of Fields.
template <class M>
concept Message = requires {
    M::fields();
};

/// Wire form: per attribute one byte name length, name, length (base 128), value; a list is its
/// attribute repeated; unknown names are skipped, missing ones are an error unless optional.
template <Message M>
std::string encode(const M& message);
template <Message M>
Result<M> decode(std::string_view wire);

namespace detail {

void put_length(std::string& out, std::uint64_t value);
bool take_length(std::string_view& in, std::uint64_t& value);
void put_entry(std::string& out, std::string_view name, std::string_view value);
/// Takes one attribute off the front; false when the rest is malformed.
bool take_entry(std::string_view& in, std::string_view& name, std::string_view& value);
std::unexpected<Error> malformed(std::string_view what);

template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};

template <class T>
void put_value(std::string& out, const T& value) {
    if constexpr (std::same_as<T, std::string>) {
        out += value;
    } else if constexpr (Message<T>) {
        out += encode(value);
    } else if constexpr (std::is_enum_v<T>) {
        put_length(out, static_cast<std::uint64_t>(value));
    } else {
        static_assert(std::integral<T>);
        put_length(out, static_cast<std::uint64_t>(value));
    }
}

template <class T>
bool take_value(std::string_view in, T& value) {
    if constexpr (std::same_as<T, std::string>) {
        value = in;
        return true;
    } else if constexpr (Message<T>) {
        auto inner = decode<T>(in);
        if (inner) value = *std::move(inner);
        return inner.has_value();
    } else {
        std::uint64_t number = 0;
        if (!take_length(in, number) || !in.empty()) return false;
        value = static_cast<T>(number);
        if constexpr (std::integral<T>) return static_cast<std::uint64_t>(value) == number;
        return true;
    }
}

template <class M, class T>
void put_field(std::string& out, const M& message, const Field<M, T>& field) {
    const T& value = message.*field.member;
    std::string bytes;
    if constexpr (is_vector<T>::value) {
        for (const auto& element : value) {
            bytes.clear();
            put_value(bytes, element);
            put_entry(out, field.name, bytes);
        }
    } else if constexpr (std::same_as<T, std::string>) {
        put_entry(out, field.name, value);
    } else {
        put_value(bytes, value);
        put_entry(out, field.name, bytes);
    }
}

/// 1 taken, 0 another field's name, -1 malformed.
template <class M, class T>
int take_field(M& message, const Field<M, T>& field, std::string_view name, std::string_view in) {
    if (name != field.name) return 0;
    if constexpr (is_vector<T>::value) {
        typename T::value_type element{};
        if (!take_value(in, element)) return -1;
        (message.*field.member).push_back(std::move(element));
        return 1;
    } else {
        return take_value(in, message.*field.member) ? 1 : -1;
    }
}

}  // namespace detail

template <Message M>
std::string encode(const M& message) {
    std::string out;
    std::apply([&](const auto&... field) { (detail::put_field(out, message, field), ...); },
               M::fields());
    return out;
}

template <Message M>
Result<M> decode(std::string_view wire) {
    M message{};
    std::uint64_t seen = 0;
    constexpr auto fields = M::fields();
    constexpr std::size_t count = std::tuple_size_v<decltype(fields)>;
    static_assert(count <= 64);
    while (!wire.empty()) {
        std::string_view name;
        std::string_view value;
        if (!detail::take_entry(wire, name, value)) return detail::malformed("attribute");
        std::uint64_t bit = 1;
        int found = 0;
        auto one = [&](const auto& field) {
            if (found == 0) {
                found = detail::take_field(message, field, name, value);
                if (found > 0) seen |= bit;
            }
            bit <<= 1;
        };
        std::apply([&](const auto&... field) { (one(field), ...); }, fields);
        if (found < 0) return detail::malformed(name);
    }
    std::uint64_t bit = 1;
    std::string_view missing;
    auto check = [&](const auto& field) {
        using T = std::remove_cvref_t<decltype(message.*field.member)>;
        bool needed = !field.optional && !detail::is_vector<T>::value;
        if (needed && !(seen & bit)) missing = field.name;
        bit <<= 1;
    };
    std::apply([&](const auto&... field) { (check(field), ...); }, fields);
    if (!missing.empty()) return detail::malformed(missing);
    return message;
}

}  // namespace facteur::ipc
