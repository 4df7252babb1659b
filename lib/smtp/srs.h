#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace facteur::smtp {

struct SrsRules {
    std::string domain;                ///< of the addresses that are made
    std::vector<std::string> secrets;  ///< the first signs, all of them are believed
    char separator = '=';              ///< behind SRS0 and SRS1: '=', '+' or '-'
    std::size_t hash_length = 4;       ///< characters of the hash in what is made
    std::size_t hash_minimum = 4;      ///< shorter ones are not believed
    std::int64_t max_age = 21;         ///< days
};

/// The Sender Rewriting Scheme, in the form of libsrs2 and postsrsd: a message that is sent on to
/// another host has a sender of our own domain, of which bounces find the way back.
///
///     SRS0=HASH=DAY=example.com=user@our.example        user@example.com, sent on by us
///     SRS1=HASH=first.example==HASH=DAY=example.com=user@our.example
///                                      ... by first.example, then by us
class Srs {
public:
    explicit Srs(SrsRules rules) : rules_(std::move(rules)) {}

    /// The sender, user@domain in internal form, as it leaves us.  now: seconds since the epoch.
    Result<std::string> forward(std::string_view sender, std::int64_t now) const;
    /// Whose address it is.  Error 5.7.1: it was not made here, or too long ago.
    Result<std::string> reverse(std::string_view address, std::int64_t now) const;
    /// Looks like an address that was made here: SRS0 or SRS1 in our domain.
    bool is_ours(std::string_view address) const;

private:
    std::string hash(std::string_view secret, std::string_view text) const;
    bool verifies(std::string_view given, std::string_view text) const;
    std::string signed_hash(std::string_view text) const;

    SrsRules rules_;
};

/// The first two characters of base32 for a day; they come around again every 1024 days.
std::string srs_day(std::int64_t seconds);

}  // namespace facteur::smtp
