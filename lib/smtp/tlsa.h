#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace facteur::smtp {

/// One TLSA record (RFC 6698 section 2.1).
struct Tlsa {
    std::uint8_t usage = 0;     ///< 2: DANE-TA, 3: DANE-EE
    std::uint8_t selector = 0;  ///< 0: the certificate, 1: its public key
    std::uint8_t matching = 0;  ///< 0: all of it, 1: SHA-256, 2: SHA-512
    std::string data;

    /// Whether SMTP can use it (RFC 7672 section 3.1): usage 2 or 3, parameters that are known,
    /// a digest of the right size.
    bool usable() const;
    /// "3 1 1 0123ABCD…"
    std::string text() const;
};

/// From the record's data; nothing when it is cut.
std::optional<Tlsa> parse_tlsa(std::string_view rdata);

}  // namespace facteur::smtp
