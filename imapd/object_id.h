#pragma once

#include <string>

#include "lib/store/store.h"

namespace facteur::imapd {

/// RFC 8474 section 5.1: of the content, so that copies have it too; empty where the index does
/// not know it.
std::string email_id(const std::string& digest);
/// RFC 8474 section 5.2: of the message that all others of its conversation refer to.
std::string thread_id(const std::string& fields, const std::string& digest);

}  // namespace facteur::imapd
