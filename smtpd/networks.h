#pragma once

#include <string>
#include <vector>

#include "lib/table/network.h"

namespace facteur::smtpd {

/// A list such as $mynetworks: addresses and networks, "!" in front excludes; the first that
/// matches decides.  Names of tables in it were replaced by their contents before.
class Networks {
public:
    /// Words that are no network are reported to `problems`.
    Networks(const std::vector<std::string>& list, std::vector<std::string>& problems);
    /// 4 or 16 bytes in network order.
    bool contains(std::string_view address) const;

private:
    struct Entry {
        table::Network network;
        bool excluded = false;
    };
    std::vector<Entry> entries_;
};

}  // namespace facteur::smtpd
