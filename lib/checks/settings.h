#pragma once

#include "lib/checks/inspect.h"
#include "lib/config/common.h"

namespace facteur::checks {

/// What may be in a content, and what is done to it, while mail comes in.
struct Settings : conf::Section {
    explicit Settings(Section& outer) : Section(outer) {}
    conf::Param<conf::List> header{
        params, "header_checks", "",
        "Tables with actions for the header fields of a message: header_checks(5)."};
    conf::Param<conf::List> mime_header{
        params, "mime_header_checks", "$header_checks",
        "Tables with actions for the MIME fields of a message and its parts."};
    conf::Param<conf::List> nested_header{
        params, "nested_header_checks", "$header_checks",
        "Tables with actions for the header fields of messages inside a message."};
    conf::Param<conf::List> body{params, "body_checks", "",
                                 "Tables with actions for the lines of a message's body."};
    conf::Param<conf::Size> body_limit{
        params, "body_checks_size_limit", 51200,
        "How much of each body segment (attachment) body_checks look at."};
    conf::Param<conf::Size> header_limit{
        params, "header_size_limit", 102400,
        "How much of one header field is looked at; the rest of it is passed on unseen."};
    conf::Param<conf::Size> boundary_limit{params, "mime_boundary_length_limit", 2048,
                                           "How much of a MIME boundary is compared."};
    conf::Param<int> nesting_limit{
        params, "mime_nesting_limit", 100, conf::Range<int>{1, 10000},
        "How deep multiparts may nest; a message beyond that is refused when anything looks at "
        "its structure."};
    conf::Param<bool> disable_mime{
        params, "disable_mime_input_processing", false,
        "Whether all that follows the message's header is taken for its body."};
    conf::Param<bool> strict_7bit_headers{
        params, "strict_7bit_headers", false,
        "Whether a message with 8-bit text in a header is refused, unless it is SMTPUTF8's."};
    conf::Param<bool> strict_8bitmime{params, "strict_8bitmime", false,
                                      "Both strict_7bit_headers and strict_8bitmime_body."};
    conf::Param<bool> strict_8bitmime_body{
        params, "strict_8bitmime_body", false,
        "Whether a message with 8-bit text is refused that does not declare it in "
        "Content-Transfer-Encoding."};
    conf::Param<bool> strict_encoding_domain{
        params, "strict_mime_encoding_domain", false,
        "Whether a message with an encoded multipart/* or message/* part is refused (RFC 2045 "
        "section 6.4)."};
    conf::Param<conf::List> drop_headers{params, "message_drop_headers",
                                         "bcc, content-length, resent-bcc, return-path",
                                         "Header fields that are removed from every new message."};
    conf::Param<std::string> reject_characters{
        params, "message_reject_characters", "",
        "Characters for which a message is refused, in C's notation: \\0, \\r, \\010."};
    conf::Param<std::string> strip_characters{
        params, "message_strip_characters", "",
        "Characters that are taken out of a message, likewise."};
};

/// smtputf8: the message was announced so; checks: false leaves only what every message gets
/// (receive_override_options = no_header_body_checks).
/// line: $line_length_limit, the most of a body line that is looked at at a time.
Options options_of(const Settings& settings, std::size_t line, bool smtputf8, bool checks);

}  // namespace facteur::checks
