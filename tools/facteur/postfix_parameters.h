#pragma once

#include <cstdint>
#include <map>
#include <string_view>

namespace facteur::tool {

/// What conf/postfix_parameters says about one parameter of Postfix.
struct PostfixParameter {
    enum class Verdict : std::uint8_t {
        honoured,     ///< declared by a daemon: it means what postconf(5) says
        meaningless,  ///< there is nothing here that it could change
        refused       ///< what it asks for is not done
    };
    std::string_view name;
    std::string_view area;
    Verdict verdict = Verdict::honoured;
    std::string_view default_text;  ///< Postfix's own, unexpanded
    std::string_view text;          ///< why, or what to write instead
};

/// The table itself, as it is in the source.
std::string_view postfix_parameters_text();

/// All parameters that Postfix documents, by name.  A row for "transport_X" is in it for each
/// service of master.cf: smtp_X, relay_X.
class PostfixParameters {
public:
    explicit PostfixParameters(std::string_view text = postfix_parameters_text());

    /// nullptr: Postfix has no such parameter.
    const PostfixParameter* find(std::string_view name) const;
    const std::map<std::string_view, PostfixParameter>& all() const { return rows_; }

private:
    std::map<std::string_view, PostfixParameter> rows_;
};

}  // namespace facteur::tool
