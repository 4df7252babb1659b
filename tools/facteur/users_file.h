#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "lib/base/result.h"

namespace facteur::tool {

/// The passwd-file that `facteur user` works on: the first one of auth_passdb.
Result<std::string> users_file_of(const std::string& directory);

/// Reads the file, lets `change` make a new text of it, and puts that in its place: whole or not at
/// all, durable, with the owner and the mode of the old one.  Others that do the same wait.
Result<void> change_users(const std::string& path,
                          const std::function<Result<std::string>(std::string_view)>& change);

/// A password typed twice at the terminal without echo, else the first line of standard input.
Result<std::string> ask_password(const std::string& user);

}  // namespace facteur::tool
