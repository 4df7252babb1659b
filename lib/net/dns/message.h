#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace facteur::dns {

enum class Type : std::uint16_t {
    a = 1,
    ns = 2,
    cname = 5,
    soa = 6,
    ptr = 12,
    mx = 15,
    txt = 16,
    aaaa = 28,
    srv = 33,
    tlsa = 52,
};
/// "MX", as in "Name service error for name=example.com type=MX".
std::string_view type_name(Type type);

/// One resource record; which fields count depends on the type.
struct Record {
    Type type = Type::a;
    std::string owner;             ///< lower case, without the final dot
    std::uint32_t ttl = 0;         ///< seconds
    std::uint16_t preference = 0;  ///< MX; the priority of SRV (RFC 2782)
    std::uint16_t weight = 0;      ///< SRV
    std::uint16_t port = 0;        ///< SRV
    /// A, AAAA: 4 or 16 bytes.  MX, SRV, PTR, CNAME, NS: the name, lower case, without the final
    /// dot (empty: the root).  TXT: all strings joined (RFC 7208 section 3.3).  TLSA: usage,
    /// selector, matching type, then the data (RFC 6698 section 2.1).
    std::string data;
    bool operator==(const Record&) const = default;
};

/// What the name service knows about a name and a type.
struct Answer {
    enum class Status : std::uint8_t {
        found,
        no_data,  ///< the name exists and has no such record (RFC 2308 section 2.2)
        no_name,  ///< NXDOMAIN
    };
    Status status = Status::no_data;
    std::vector<Record> records;  ///< of the wanted type only
    std::string canonical;        ///< the name at the end of the CNAMEs; the wanted one without any
    std::uint32_t ttl = 0;        ///< how long all of it may be kept; 0: not at all
    bool authentic = false;       ///< the AD bit: validated, if the way to the resolver is trusted
    bool dangling = false;        ///< ends in a CNAME whose target must be asked for

    bool found() const { return status == Status::found; }
};

/// Reads a reply to the question (name, type).  SERVFAIL, REFUSED and a malformed reply are
/// temporary Errors.
Result<Answer> parse_reply(std::string_view message, std::string_view name, Type type);

/// "Host or domain name not found. Name service error for name=… type=…: …" as Postfix says it:
/// permanent 5.4.4 for an answer that is not found().
Error not_found(const Answer& answer, std::string_view name, Type type);
/// The same for a name service that fails: temporary 4.4.3.
Error try_again(std::string_view name, Type type);

}  // namespace facteur::dns
