#pragma once

#include <expected>
#include <string>
#include <utility>

namespace facteur {

/// Everything a mail program needs to know about a failure: may it be retried, what does the peer
/// hear (RFC 3463 code), what does the log say.
struct Error {
    enum class Kind { temporary, permanent };
    Kind kind = Kind::temporary;
    std::string status = "4.3.0";  ///< enhanced status code, RFC 3463 section 2
    std::string text;              ///< for people; without the status code

    bool is_temporary() const { return kind == Kind::temporary; }
    bool operator==(const Error&) const = default;
};

/// What the caller must decide on: a parse, a lookup, a refusal.
template <class T>
using Result = std::expected<T, Error>;

/// An Error as the unexpected side of any Result: `return permanent("no such user", "5.1.1");`
inline std::unexpected<Error> permanent(std::string text, std::string status = "5.0.0") {
    return std::unexpected(Error{Error::Kind::permanent, std::move(status), std::move(text)});
}
inline std::unexpected<Error> temporary(std::string text, std::string status = "4.3.0") {
    return std::unexpected(Error{Error::Kind::temporary, std::move(status), std::move(text)});
}

/// "what: strerror(errno)" as a temporary Error; errno is read at once.
std::unexpected<Error> system_error(std::string what);

}  // namespace facteur

#define FACTEUR_CONCAT_(a, b) a##b
#define FACTEUR_CONCAT(a, b) FACTEUR_CONCAT_(a, b)
#define TRY_IMPL(ret, decl, expr, tmp)                     \
    auto tmp = (expr);                                     \
    if (!tmp) ret std::unexpected(std::move(tmp).error()); \
    decl = *std::move(tmp)
#define TRY_VOID_IMPL(ret, expr, tmp) \
    auto tmp = (expr);                \
    if (!tmp) ret std::unexpected(std::move(tmp).error())

/// TRY(auto path, parse_path(args));  declares path, or returns the Error.
#define TRY(decl, expr) TRY_IMPL(return, decl, expr, FACTEUR_CONCAT(try_, __COUNTER__))
#define CO_TRY(decl, expr) TRY_IMPL(co_return, decl, expr, FACTEUR_CONCAT(try_, __COUNTER__))
/// The same for a Result<void>.
#define TRY_VOID(expr) TRY_VOID_IMPL(return, expr, FACTEUR_CONCAT(try_, __COUNTER__))
#define CO_TRY_VOID(expr) TRY_VOID_IMPL(co_return, expr, FACTEUR_CONCAT(try_, __COUNTER__))
