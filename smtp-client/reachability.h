#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

#include "lib/base/time.h"
#include "lib/event/timers.h"
#include "lib/net/address.h"

namespace facteur::smtp_client {

/// Which addresses did not answer lately, so that others that are as good are tried first.
class Reachability {
public:
    Reachability(std::size_t most, Milliseconds keep) : most_(most), keep_(keep) {}

    bool is_bad(const Address& address) const;
    void failed(const Address& address) { avoid(address, keep_); }
    /// Refused for what it is, not for what was sent: that lasts longer.
    void avoid(const Address& address, Milliseconds time);
    void answered(const Address& address);
    std::size_t size() const { return bad_.size(); }

private:
    std::size_t most_;
    Milliseconds keep_;
    std::unordered_map<std::string, TimePoint> bad_;  ///< until when, by bytes of the address
};

}  // namespace facteur::smtp_client
