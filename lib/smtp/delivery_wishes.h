#pragma once

#include <string_view>

#include "lib/smtp/parameters.h"

namespace facteur::smtp {

/// Takes MT-PRIORITY, BY, HOLDFOR and HOLDUNTIL, as far as they were offered.  False: the name is
/// none of these; an Error: the value is wrong.
Result<bool> take_delivery_wish(MailParameters& to, std::string_view name, std::string_view value,
                                const Offered& offered);
/// As take_delivery_wish() reads them, with a leading space for each.
std::string delivery_wishes_text(const MailParameters& parameters);

}  // namespace facteur::smtp
