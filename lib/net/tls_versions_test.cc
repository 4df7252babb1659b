#include "lib/net/tls_versions.h"

#include <catch2/catch.hpp>

using namespace facteur;

TEST_CASE("lists of TLS versions come to a range", "[net]") {
    struct Row {
        std::string text, oldest, newest;
    };
    const Row row = GENERATE(values<Row>({
        {"", "TLSv1", ""},
        {">=TLSv1.2", "TLSv1.2", ""},
        {">=TLSv1.1, <=TLSv1.2", "TLSv1.1", "TLSv1.2"},
        {"!SSLv2, !SSLv3", "TLSv1", ""},
        {"!SSLv2,!SSLv3,!TLSv1,!TLSv1.1", "TLSv1.2", ""},
        {"TLSv1.2, TLSv1.3", "TLSv1.2", ""},
        {"TLSv1.2", "TLSv1.2", "TLSv1.2"},
        {"tlsv1.2:!TLSv1", "TLSv1.2", "TLSv1.2"},
        {">=0303", "TLSv1.2", ""},
        {"!TLSv1.3", "TLSv1", "TLSv1.2"},
    }));
    INFO(row.text);
    const auto versions = parse_tls_versions(row.text);
    REQUIRE(versions);
    CHECK(*versions == TlsVersions{row.oldest, row.newest});
    for (const std::string bad : {"TLSv9", "!TLSv1.2", "SSLv3", ">=", "TLSv1, TLSv1.3", "!"})
        CHECK_FALSE(parse_tls_versions(bad));
}
