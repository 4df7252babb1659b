#pragma once

#include <memory>
#include <string>

#include "lib/store/exchange/source.h"

namespace facteur::store::exchange {

/// A Maildir++ of Dovecot, Courier or anybody, with their UIDs, keywords and subscriptions; only
/// read.  With `fs` the folders stand in folders ("Archive/2026/cur").
std::unique_ptr<Source> open_maildir(std::string root, bool fs);

}  // namespace facteur::store::exchange
