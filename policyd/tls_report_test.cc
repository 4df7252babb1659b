#include "policyd/tls_report.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace facteur;
using namespace facteur::policyd;

namespace {

ipc::TlsResult session(const std::string& failure) {
    ipc::TlsResult result;
    result.domain = "there.test";
    result.addresses = {"a@there.test", "b@there.test"};
    result.urls = {"https://there.test/x"};
    result.policy_type = "sts";
    result.policy = {"version: STSv1", "mode: testing"};
    result.patterns = {"*.there.test"};
    result.failure = failure;
    result.server = "mx.there.test";
    result.server_address = "192.0.2.1";
    result.client_address = "192.0.2.9";
    result.reason = failure.empty() ? "" : "expired \xff";
    return result;
}

const Reporter kReporter{"Here", "postmaster@here.test", "mail.here.test"};

}  // namespace

TEST_CASE("sessions are counted by policy and failure [RFC 8460 4.4]", "[policyd]") {
    TlsReport report("there.test", 86400, 172800);
    report.count(session(""), 2);
    report.count(session("certificate-expired"), 2);
    report.count(session("certificate-expired"), 2);
    ipc::TlsResult other = session("starttls-not-supported");
    other.policy_type = "no-policy-found";
    other.policy.clear();
    report.count(other, 2);
    auto told = nlohmann::json::parse(report.json(kReporter, "id1"));
    CHECK(told["organization-name"] == "Here");
    CHECK(told["contact-info"] == "postmaster@here.test");
    CHECK(told["report-id"] == "id1");
    CHECK(told["date-range"]["start-datetime"] == "1970-01-02T00:00:00Z");
    CHECK(told["date-range"]["end-datetime"] == "1970-01-02T23:59:59Z");
    REQUIRE(told["policies"].size() == 2);
    const auto& sts = told["policies"][0];
    CHECK(sts["policy"]["policy-type"] == "sts");
    CHECK(sts["policy"]["mx-host"][0] == "*.there.test");
    CHECK(sts["summary"]["total-successful-session-count"] == 1);
    CHECK(sts["summary"]["total-failure-session-count"] == 2);
    REQUIRE(sts["failure-details"].size() == 1);
    CHECK(sts["failure-details"][0]["result-type"] == "certificate-expired");
    CHECK(sts["failure-details"][0]["failed-session-count"] == 2);
    CHECK(sts["failure-details"][0]["sending-mta-ip"] == "192.0.2.9");
    CHECK(sts["failure-details"][0]["receiving-ip"] == "192.0.2.1");
    CHECK_FALSE(told["policies"][1]["policy"].contains("policy-string"));
}

TEST_CASE("what is kept of a report is the report", "[policyd]") {
    TlsReport report("there.test", 0, 10);
    report.count(session("certificate-expired"), 10);
    auto again = TlsReport::decode(report.encode());
    REQUIRE(again);
    CHECK(again->json(kReporter, "x") == report.json(kReporter, "x"));
    CHECK(again->addresses() == report.addresses());
    CHECK(again->urls() == report.urls());
    CHECK(again->end() == 10);
    CHECK_FALSE(TlsReport::decode("{}"));
    CHECK_FALSE(TlsReport::decode("nothing"));
}

TEST_CASE("failures of many kinds are counted, not all told", "[policyd]") {
    TlsReport report("there.test", 0, 10);
    for (int i = 0; i < 50; ++i) {
        ipc::TlsResult one = session("certificate-expired");
        one.server_address = "192.0.2." + std::to_string(i);
        report.count(one, 3);
    }
    auto told = nlohmann::json::parse(report.json(kReporter, "x"));
    CHECK(told["policies"][0]["failure-details"].size() == 3);
    CHECK(told["policies"][0]["summary"]["total-failure-session-count"] == 50);
}

TEST_CASE("the message is what RFC 8460 section 5.3 asks for", "[policyd]") {
    TlsReport report("there.test", 0, 10);
    report.count(session(""), 10);
    auto text = report.message(kReporter, "id1");
    REQUIRE(text);
    CHECK(text->find("To: a@there.test,\r\n\tb@there.test\r\n") != std::string::npos);
    CHECK(text->find("TLS-Required: No\r\n") != std::string::npos);
    CHECK(text->find("filename=\"mail.here.test!there.test!0!9!id1.json.gz\"") !=
          std::string::npos);
}
