#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/event/task.h"

namespace facteur::table {

/// What a lookup gives: a value, nothing, or the reason why nobody can know (a temporary Error).
using Found = Result<std::optional<std::string>>;

/// One lookup table, `type:name` in main.cf.
class Dictionary {
public:
    /// name: "hash:/etc/aliases", for log lines and Errors.
    explicit Dictionary(std::string name) : name_(std::move(name)) {}
    virtual ~Dictionary() = default;
    Dictionary(const Dictionary&) = delete;
    Dictionary& operator=(const Dictionary&) = delete;

    const std::string& name() const { return name_; }
    /// regexp:, pcre:, cidr: and the like: asked with the whole key only, never with parts of an
    /// address (postconf(5): "the table is searched for the entire input address").
    virtual bool has_patterns() const { return false; }
    /// The value for the key.  Keys of exact tables are folded to lower case here.
    /// May read files and answers at once; a table that must ask somebody else says so in an Error.
    virtual Found find(std::string_view key) = 0;
    /// The same without ever holding up the loop for long; what daemons use.
    virtual Task<Found> lookup(std::string key);

protected:
    /// "table hash:/etc/aliases: text" as a temporary Error.
    std::unexpected<Error> trouble(std::string_view text) const;

private:
    std::string name_;
};

}  // namespace facteur::table
