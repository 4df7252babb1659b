#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace facteur::table {

/// A text with %s, %u, %d, %S, %U, %D, %1 … %9 and %%, taken apart.
struct Template {
    struct Piece {
        std::string literal;
        char expansion = 0;  ///< 's', 'u', 'd', 'S', 'U', 'D', '1' … '9'; 0: the literal
    };
    std::vector<Piece> pieces;
    /// An Error for another letter behind %.
    static Result<Template> parse(std::string_view text);
};

/// How a key becomes queries and what is found becomes the result of a lookup; the same rules for
/// ldap_table(5), mysql_table(5), pgsql_table(5), sqlite_table(5) and memcache_table(5).
class Expansion {
public:
    /// Makes text safe where it will stand; an Error when that cannot be done.
    using Quote = std::function<Result<std::string>(std::string_view)>;

    /// A text that the key is put into.  The number names it in query().
    Result<std::size_t> add_query(std::string_view text);
    Result<void> set_result_format(std::string_view text);

    /// Nothing when the key lacks a part that one of the texts asks for: the lookup then finds
    /// nothing, and the server is not asked.
    Result<std::optional<std::string>> query(std::size_t which, std::string_view key,
                                             const Quote& quote) const;
    /// Appends one found value, behind a comma; false when it is left out.
    bool append(std::string& result, std::string_view value, std::string_view key) const;

private:
    /// Which parts of the key (of the value) the texts need.
    struct Needs {
        bool user = false;
        bool domain = false;
        std::size_t labels = 0;
        bool met_by(std::string_view address) const;
    };
    void note(const Template& text, bool is_result);

    std::vector<Template> queries_;
    Template result_;
    Needs of_key_;
    Needs of_value_;
};

/// What stands in a string of a filter (RFC 4515 section 3).
std::string quoted_for_filter(std::string_view text);
/// What stands in a value of a distinguished name (RFC 4514 section 2.4).
std::string quoted_for_dn(std::string_view text);

}  // namespace facteur::table
