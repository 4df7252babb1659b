#pragma once

#include "lib/config/common.h"

namespace facteur::policyd {

/// TLS reports (RFC 8460).
struct TlsReportSettings : conf::Section {
    explicit TlsReportSettings(Section& outer) : Section(outer) {}

    conf::Param<std::string> organization{params, "tls_report_organization_name", "$mydomain",
                                          "Who reports, in the TLS reports that are sent."};
    conf::Param<std::string> contact{
        params, "tls_report_contact", "postmaster@$mydomain",
        "The address that TLS reports come from, and that answers questions about them."};
    conf::Param<conf::Seconds> interval{
        params, "tls_report_interval", conf::Default("1d"), conf::at_least(conf::Seconds(1)),
        "The time that a TLS report is about, in UTC; RFC 8460 asks for a day."};
    conf::Param<conf::Seconds> jitter{
        params, "tls_report_delay", conf::Default("4h"), conf::at_least(conf::Seconds(0)),
        "TLS reports are sent at different times after the end of the day, up to this."};
    conf::Param<int> details{params, "tls_report_detail_limit", 100, conf::Range<int>{1, 100000},
                             "Different failures that are told to one domain."};
    conf::Param<conf::Seconds> retry{
        params, "tls_report_retry_time", conf::Default("1h"), conf::at_least(conf::Seconds(1)),
        "After this, a report that a web server did not take is posted again, for a day."};
};

}  // namespace facteur::policyd
