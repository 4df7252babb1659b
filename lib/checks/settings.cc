#include "lib/checks/settings.h"

namespace facteur::checks {

Options options_of(const Settings& settings, std::size_t line, bool smtputf8, bool checks) {
    Options options;
    options.drop = settings.drop_headers();
    options.reject_characters = unescape(settings.reject_characters());
    options.strip_characters = unescape(settings.strip_characters());
    WalkerOptions& walker = options.walker;
    walker.mime = !settings.disable_mime();
    walker.nesting = static_cast<unsigned>(settings.nesting_limit());
    walker.boundary = settings.boundary_limit();
    walker.header = settings.header_limit();
    walker.line = line;
    if (!checks) return options;
    options.tables.header = settings.header();
    options.tables.mime = walker.mime ? settings.mime_header() : settings.header();
    options.tables.nested = settings.nested_header();
    options.tables.body = settings.body();
    options.body_limit = settings.body_limit();
    if (!walker.mime) return options;
    const bool strict = settings.strict_8bitmime();
    // RFC 6532 section 3.2 has UTF-8 in headers.
    walker.report_eight_bit_header = (strict || settings.strict_7bit_headers()) && !smtputf8;
    walker.report_eight_bit_body = strict || settings.strict_8bitmime_body();
    walker.report_encoding_domain = settings.strict_encoding_domain();
    walker.report_nesting = walker.report_eight_bit_header || walker.report_eight_bit_body ||
                            walker.report_encoding_domain || options.tables.any();
    return options;
}

}  // namespace facteur::checks
