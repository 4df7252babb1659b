#include "lib/smtp/mta_sts.h"

#include <catch2/catch.hpp>

#include "lib/base/text.h"

using namespace facteur;
using namespace facteur::smtp;

using Mode = StsPolicy::Mode;

TEST_CASE("the id of an MTA-STS record [RFC 8461 3.1]", "[smtp]") {
    struct Row {
        std::string texts;  ///< separated by |
        std::string id;
    };
    const Row row = GENERATE(values<Row>({
        {"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
        {"v=STSv1;id=a1", "a1"},
        {"v=spf1 -all|v=STSv1; x=y; id=b2; ", "b2"},
        {"v=STSv1 ; id=c3", "c3"},
        {"v=STSv1; id=a|v=STSv1; id=a", ""},
        {"v=STSv10; id=a", ""},
        {"v=STSv1; id=a-b", ""},
        {"v=STSv1; id=", ""},
        {"v=STSv1; id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
        {"v=STSv1;", ""},
        {" v=STSv1; id=a", ""},
        {"", ""},
    }));
    INFO(row.texts);
    std::vector<std::string> texts;
    for (std::string_view one : split(row.texts, '|'))
        texts.emplace_back(one);
    CHECK(sts_record_id(texts).value_or("") == row.id);
}

TEST_CASE("an MTA-STS policy is read [RFC 8461 3.2]", "[smtp]") {
    auto policy = parse_sts_policy(
        "version: STSv1\r\nmode: enforce\r\nmx: Mail.example.com\r\nmx: *.example.net\r\n"
        "max_age: 604800\r\nother: x\r\nmode: none\r\n");
    REQUIRE(policy);
    CHECK(policy->mode == Mode::enforce);
    CHECK(policy->max_age == Seconds(604800));
    CHECK(policy->mx == std::vector<std::string>{"mail.example.com", "*.example.net"});
    CHECK_FALSE(parse_sts_policy("version:STSv1\nmode:none\nmax_age:99999999999999\n"));
    CHECK(parse_sts_policy("version:STSv1\nmode:none\nmax_age:999999999\n")->max_age ==
          Seconds(31557600));
    for (const std::string bad :
         {"", "version: STSv1\nmode: enforce\nmax_age: 1\n", "mode: none\nmax_age: 1\n",
          "version: STSv2\nmode: none\nmax_age: 1\n", "version: STSv1\nmode: off\nmax_age: 1\n",
          "version: STSv1\nmode: none\nmax_age: x\n", "version: STSv1\nmode: none\nmax_age: -1\n",
          "version: STSv1\nmode: testing\nmax_age: 1\nmx: a b\n", "<html>\n",
          "version: STSv1\nmode: testing\nmax_age: 1\nmx: *\n"}) {
        INFO(bad);
        CHECK_FALSE(parse_sts_policy(bad));
    }
}

TEST_CASE("which MX hosts a policy allows [RFC 8461 4.1]", "[smtp]") {
    StsPolicy policy;
    policy.mx = {"mx.example.com", "*.example.net"};
    CHECK(policy.allows("MX.example.com"));
    CHECK(policy.allows("mx.example.com."));
    CHECK(policy.allows("a.example.net"));
    CHECK_FALSE(policy.allows("a.b.example.net"));
    CHECK_FALSE(policy.allows("example.net"));
    CHECK_FALSE(policy.allows(".example.net"));
    CHECK_FALSE(policy.allows("mx.example.org"));
}
