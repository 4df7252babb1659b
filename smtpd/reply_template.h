#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/smtp/reply.h"

namespace facteur::smtpd {

/// "$rbl_code Service unavailable; $rbl_class …" with the values that names have: default_rbl_reply
/// and rbl_reply_maps.  Values may come from strangers: they are made printable, cut and not
/// expanded again.  An Error: the pattern names what is not there, or begins with no reply code.
Result<smtp::Reply> reply_of(
    const std::string& pattern,
    const std::function<std::optional<std::string>(std::string_view)>& value);

}  // namespace facteur::smtpd
