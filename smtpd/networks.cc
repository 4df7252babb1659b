#include "smtpd/networks.h"

namespace facteur::smtpd {

Networks::Networks(const std::vector<std::string>& list, std::vector<std::string>& problems) {
    for (std::string_view word : list) {
        Entry entry;
        entry.excluded = word.starts_with('!');
        if (entry.excluded) word.remove_prefix(1);
        auto network = table::Network::parse(word);
        if (!network) {
            problems.push_back(network.error().text);
            continue;
        }
        entry.network = *std::move(network);
        entries_.push_back(std::move(entry));
    }
}

bool Networks::contains(std::string_view address) const {
    for (const Entry& entry : entries_) {
        if (entry.network.contains(address)) return !entry.excluded;
    }
    return false;
}

}  // namespace facteur::smtpd
