#include "lib/smtp/tls_report.h"

#include <catch2/catch.hpp>

#include "lib/base/text.h"

using namespace facteur;
using namespace facteur::smtp;

TEST_CASE("who wants TLS reports [RFC 8460 3]", "[smtp]") {
    struct Row {
        std::string texts;    ///< separated by |
        std::string targets;  ///< by spaces
    };
    const Row row = GENERATE(values<Row>({
        {"v=TLSRPTv1;rua=mailto:reports@example.com", "reports@example.com"},
        {"v=TLSRPTv1; rua=mailto:a@b.test,https://x.test/, mailto:c%2Bd@e.test?subject=x",
         "a@b.test c+d@e.test https://x.test/"},
        {"v=spf1 -all|v=TLSRPTv1; rua=mailto:a@b.test; x=y", "a@b.test"},
        {"v=TLSRPTv1; rua=mailto:a@b.test|v=TLSRPTv1; rua=mailto:a@b.test", ""},
        {"v=TLSRPTv11; rua=mailto:a@b.test", ""},
        {"v=TLSRPTv1; rua=mailto:a%0d%0ab@b.test", ""},
        {"v=TLSRPTv1; rua=mailto:nobody", ""},
        {"v=TLSRPTv1; rua=http://x.test/,ftp://x.test/,https://", ""},
        {"", ""},
    }));
    INFO(row.texts);
    std::vector<std::string> texts;
    for (std::string_view one : split(row.texts, '|'))
        texts.emplace_back(one);
    const ReportTargets targets = report_targets(texts);
    std::vector<std::string> all = targets.addresses;
    all.insert(all.end(), targets.urls.begin(), targets.urls.end());
    CHECK(join(all, " ") == row.targets);
}

TEST_CASE("where a report is posted to", "[smtp]") {
    auto [url, expected] = GENERATE(Catch::Generators::table<std::string, std::string>({
        {"https://x.test", "x.test 443 /"},
        {"HTTPS://X.Test:8443/a/b?c=d#e", "x.test 8443 /a/b?c=d"},
        {"https://x.test?c", "x.test 443 /?c"},
        {"https://x.test:0/", ""},
        {"https://x.test:99999/", ""},
        {"https://user@x.test/", ""},
        {"https://localhost/", ""},
        {"https://[::1]/", ""},
        {"https://x.test/\r\nHost: y", ""},
    }));
    auto parts = parse_report_url(url);
    INFO(url);
    CHECK((parts ? parts->host + " " + std::to_string(parts->port) + " " + parts->path : "") ==
          expected);
}
