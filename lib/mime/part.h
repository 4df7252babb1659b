#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace facteur::mime {

/// One parameter of Content-Type or Content-Disposition as it stands in the message: RFC 2231
/// pieces ("name*0*") are kept apart, as IMAP clients expect them in BODYSTRUCTURE.
struct Parameter {
    std::string name;
    std::string value;  ///< without quotes and their escapes
    bool operator==(const Parameter&) const = default;
};

/// One node of the MIME tree: what BODYSTRUCTURE (RFC 3501 section 7.4.2) tells, and where its
/// bytes stand.  Offsets count from the start of the message in its wire form (CRLF).
struct Part {
    std::string type;     ///< lower case; "text" when Content-Type is missing or broken
    std::string subtype;  ///< lower case
    std::vector<Parameter> parameters;
    std::string encoding;     ///< Content-Transfer-Encoding, lower case; "7bit" when missing
    std::string id;           ///< Content-ID; these five are empty when missing
    std::string description;  ///< Content-Description, raw
    std::string md5;          ///< Content-MD5
    std::string location;     ///< Content-Location
    std::string disposition;  ///< Content-Disposition, lower case
    std::vector<Parameter> disposition_parameters;
    std::vector<std::string> languages;  ///< Content-Language

    std::uint64_t header_offset = 0;  ///< first byte of the part's header
    std::uint64_t body_offset = 0;    ///< after the empty line that ends the header
    std::uint64_t body_size = 0;      ///< without the line end that belongs to the next boundary
    std::uint64_t body_lines = 0;     ///< line ends in the body, as other servers count

    /// multipart/*: its parts.  message/rfc822 and message/global: exactly one, the root of the
    /// message inside; header_offset of that one is body_offset of this one.
    std::vector<Part> children;

    std::uint64_t header_size() const { return body_offset - header_offset; }
    bool is_multipart() const { return type == "multipart"; }
    bool is_message() const { return type == "message" && !children.empty(); }
    bool operator==(const Part&) const = default;
};

/// What a stranger's message may cost.  Past a limit the rest is one opaque leaf.
struct Limits {
    unsigned depth = 50;
    unsigned parts = 5000;
    std::size_t header_bytes = 1024 * 1024;  ///< of one part; more is cut
};

/// The tree of a whole message in wire form.  Never fails: what is malformed is a leaf (RFC 2045
/// section 5.2: a message without a usable Content-Type is text/plain).  The views are not kept.
Part parse_structure(std::string_view message, const Limits& limits = {});

}  // namespace facteur::mime
