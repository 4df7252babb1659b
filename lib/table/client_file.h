#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::table {

/// The parameters of one table that asks a server: from the file that the table's name is
/// ("mysql:/etc/facteur/users.cf", written like main.cf), or from main.cf itself when the name is
/// no path ("mysql:users": users_hosts, users_query …).
class ClientFile {
public:
    /// The value of a parameter of main.cf, expanded; nothing when it is not there.
    using MainCf = std::function<std::optional<std::string>(const std::string& name)>;

    static bool is_path(std::string_view name) {
        return name.starts_with('/') || name.starts_with('.');
    }
    /// Reads the file, or remembers where to ask.
    static Result<ClientFile> read(const std::string& name, const MainCf& main_cf);
    static ClientFile of_text(std::string_view text, const std::string& file);

    bool has(const std::string& parameter) const;
    std::string get(const std::string& parameter, std::string_view otherwise) const;
    /// The first of the two that is there; a name that older configurations use comes second.
    std::string get_either(const std::string& parameter, const std::string& older,
                           std::string_view otherwise) const;
    Result<std::int64_t> number(const std::string& parameter, std::int64_t otherwise,
                                std::int64_t least, std::int64_t most) const;
    /// A time as main.cf writes it ("10", "10s", "2m"), in seconds.
    Result<std::int64_t> seconds(const std::string& parameter, std::int64_t otherwise) const;
    Result<bool> yes_no(const std::string& parameter, bool otherwise) const;

private:
    std::optional<std::string> find(const std::string& parameter) const;

    std::map<std::string, std::string> values_;
    std::string prefix_;
    MainCf main_cf_;
};

}  // namespace facteur::table
