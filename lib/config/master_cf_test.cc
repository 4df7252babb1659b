#include "lib/config/master_cf.h"

#include <catch2/catch.hpp>

using namespace facteur::conf;
using Type = ServiceLine::Type;
using Overrides = std::vector<std::pair<std::string, std::string>>;
using Words = std::vector<std::string>;

namespace {

ServiceLine one(const std::string& text) {
    MasterCf master = parse_master_cf(text, "master.cf");
    INFO(text);
    REQUIRE(master.problems.empty());
    REQUIRE(master.services.size() == 1);
    return master.services[0];
}

std::string problem(const std::string& text) {
    MasterCf master = parse_master_cf(text, "master.cf");
    INFO(text);
    REQUIRE(master.problems.size() == 1);
    return master.problems[0].where_and_what();
}

}  // namespace

TEST_CASE("a dash is the column's default [master(5)]", "[config]") {
    ServiceLine line = one("smtp inet - - - - - smtpd\n");
    CHECK(line.type == Type::inet);
    CHECK(line.is_private);
    CHECK(line.unprivileged);
    CHECK_FALSE(line.chroot);
    CHECK(line.wakeup == 0);
    CHECK(line.max_processes == ServiceLine::kDefaultLimit);
    CHECK(line.command == "smtpd");
    CHECK(line.key() == "inet:smtp");
}

TEST_CASE("columns say what they say", "[config]") {
    ServiceLine line = one("queue  unix  n y\ty  300? 1  qmgr");
    CHECK_FALSE(line.is_private);
    CHECK(line.unprivileged);
    CHECK(line.chroot);
    CHECK(line.wakeup == 300);
    CHECK(line.max_processes == 1);
    CHECK(one("pickup fifo n n n 60 0 qmgr").type == Type::unix);
    CHECK(one("x unix n n n 60 0 qmgr").max_processes == 0);
}

TEST_CASE("arguments and -o keep their spaces in braces", "[config]") {
    auto [text, overrides, arguments] = GENERATE(table<std::string, Overrides, Words>({
        {"smtpd -o a=b", {{"a", "b"}}, {}},
        {"smtpd -oa=b -o c=", {{"a", "b"}, {"c", ""}}, {}},
        {"smtpd -o { a = b c } -v", {{"a", "b c"}}, {"-v"}},
        {"smtpd -o {a={b} c}", {{"a", "{b} c"}}, {}},
        {"imapd login", {}, {"login"}},
        {"pipe user=x argv=/bin/y { a  b } ${sender}",
         {},
         {"user=x", "argv=/bin/y", "a  b", "${sender}"}},
        {"imapd login -o a=b -v", {{"a", "b"}}, {"login", "-v"}},
        {"pipe -v -o a=b user=x argv=/bin/y -oi -f ${sender}",
         {{"a", "b"}},
         {"-v", "user=x", "argv=/bin/y", "-oi", "-f", "${sender}"}},
        {"pipe {-o not an override}", {}, {"-o not an override"}},
        {"smtpd\n  -o a=b\n# comment\n\t-o c=d", {{"a", "b"}, {"c", "d"}}, {}},
    }));
    ServiceLine line = one("smtp inet n - n - - " + text + "\n");
    CHECK(line.overrides == overrides);
    CHECK(line.arguments == arguments);
}

TEST_CASE("each wrong line is named with what to write", "[config]") {
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"smtp inet n - n - -", "too few columns"},
        {"smtp tcp n - n - - smtpd", "write inet or unix"},
        {"smtp inet yes - n - - smtpd", "\"private\""},
        {"smtp inet n - x - - smtpd", "\"chroot\""},
        {"smtp inet n - n x - smtpd", "\"wakeup\""},
        {"smtp inet n - n - 9999999999 smtpd", "\"maxproc\""},
        {"a/b unix n - n - - smtpd", "without a folder"},
        {"smtp inet n - n - - smtpd -o", "-o at the end"},
        {"smtp inet n - n - - smtpd -o a", "name=value"},
        {"smtp inet n - n - - smtpd { a", "without"},
        {"a unix n - n - - x\na unix n - n - - y", "in line 1 already"},
    }));
    CHECK_THAT(problem(text), Catch::Contains(expected));
}

TEST_CASE("a wrong line does not hide the others", "[config]") {
    MasterCf master = parse_master_cf("# c\na unix x - n - - x\n\nb unix n - n - - y\n", "m");
    REQUIRE(master.services.size() == 1);
    CHECK(master.services[0].line == 4);
    CHECK(master.problems[0].line == 2);
    CHECK(master.find("b", Type::unix) != nullptr);
    CHECK(master.find("b", Type::inet) == nullptr);
}
