#include "tools/facteur/postfix_parameters.h"

#include <catch2/catch.hpp>

using namespace facteur::tool;
using Verdict = PostfixParameter::Verdict;

TEST_CASE("a row has a name, an area, a verdict, a default and a reason", "[tools]") {
    const PostfixParameters table(
        "# a comment\n"
        "biff | delivery | meaningless | yes | IMAP tells it\n"
        "myorigin | rewriting | honoured | $myhostname\n"
        "virtual_maps | rewriting | refused | - | write virtual_alias_maps\n");
    REQUIRE(table.find("biff"));
    CHECK(table.find("biff")->verdict == Verdict::meaningless);
    CHECK(table.find("biff")->default_text == "yes");
    CHECK(table.find("biff")->text == "IMAP tells it");
    CHECK(table.find("myorigin")->verdict == Verdict::honoured);
    CHECK(table.find("myorigin")->text.empty());
    CHECK(table.find("virtual_maps")->default_text.empty());
    CHECK(table.find("virtual_maps")->verdict == Verdict::refused);
    CHECK(table.find("nosuch") == nullptr);
}

TEST_CASE("a row for transport_X is one for each service's X", "[tools]") {
    const PostfixParameters table("transport_time_limit | queue | refused | 1h | write it so\n");
    REQUIRE(table.find("maildrop_time_limit"));
    CHECK(table.find("maildrop_time_limit")->name == "transport_time_limit");
    CHECK(table.find("_time_limit") == nullptr);
    CHECK(table.find("time_limit") == nullptr);
}

TEST_CASE("the table that is built in has what everybody uses", "[tools]") {
    const PostfixParameters table;
    CHECK(table.all().size() > 800);
    for (const char* name : {"mydestination", "smtpd_recipient_restrictions", "relayhost"}) {
        REQUIRE(table.find(name));
        CHECK(table.find(name)->verdict == Verdict::honoured);
    }
}
