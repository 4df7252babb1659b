#include "lib/config/postfix_services.h"

#include <catch2/catch.hpp>

using namespace facteur::conf;
using Type = ServiceLine::Type;

namespace {

constexpr const char* kPostfix =
    "smtp      inet  n       -       y       -       -       smtpd\n"
    "pickup    unix  n       -       y       60      1       pickup\n"
    "cleanup   unix  n       -       y       -       0       cleanup\n"
    "qmgr      unix  n       -       n       300     1       qmgr\n"
    "rewrite   unix  -       -       y       -       -       trivial-rewrite\n"
    "smtp      unix  -       -       y       -       -       smtp\n"
    "slow      unix  -       -       y       -       1       smtp\n"
    "  -o smtp_helo_timeout=5\n"
    "local     unix  -       n       n       -       -       local\n"
    "lmtp      unix  -       -       y       -       -       lmtp\n";

std::string command_of(const MasterCf& master_cf, std::string_view name, Type type) {
    const ServiceLine* line = master_cf.find(name, type);
    return line ? line->command : std::string("none");
}

}  // namespace

TEST_CASE("postscreen and the smtpd behind it become one service", "[config]") {
    MasterCf master_cf = parse_master_cf(
        "smtp inet n - y - 1 postscreen\n  -o postscreen_greet_wait=3s\n"
        "smtpd pass - - y - 7 smtpd\n  -o smtpd_banner=hello\n"
        "dnsblog unix - - y - 0 dnsblog\ntlsproxy unix - - y - 0 tlsproxy\n",
        "master.cf");
    REQUIRE(master_cf.problems.empty());
    adopt_postscreen(master_cf);
    REQUIRE(master_cf.services.size() == 1);
    const ServiceLine& smtp = master_cf.services.front();
    CHECK(smtp.key() == "inet:smtp");
    CHECK(smtp.command == "smtpd");
    CHECK(smtp.max_processes == 7);
    using Overrides = std::vector<std::pair<std::string, std::string>>;
    CHECK(smtp.overrides == Overrides{{"smtpd_banner", "hello"},
                                      {"postscreen_greet_wait", "3s"},
                                      {"postscreen_enable", "yes"}});
    MasterCf alone = parse_master_cf("smtpd pass - - y - - smtpd\n", "master.cf");
    adopt_postscreen(alone);
    CHECK(alone.services.empty());
    CHECK(alone.problems.size() == 1);
}

TEST_CASE("pipe(8) is a service of lmtp-local, its processes are commands", "[config]") {
    MasterCf master_cf = parse_master_cf(
        "uucp unix - n n - 7 pipe user=uucp argv=uux -r\n"
        "all unix - n y - 0 pipe\n  -o a=b user=u argv=/x\n"
        "some unix - n y - - pipe user=u argv=/x\n",
        "master.cf");
    REQUIRE(master_cf.problems.empty());
    adopt_pipes(master_cf);
    using Overrides = std::vector<std::pair<std::string, std::string>>;
    const ServiceLine& uucp = *master_cf.find("uucp", Type::unix);
    CHECK(uucp.command == "lmtp-local");
    CHECK(uucp.arguments == std::vector<std::string>{"pipe", "user=uucp", "argv=uux", "-r"});
    CHECK(uucp.overrides == Overrides{{"local_process_limit", "7"}});
    CHECK(uucp.max_processes == 1);
    CHECK(master_cf.find("all", Type::unix)->overrides ==
          Overrides{{"local_process_limit", "10000"}, {"a", "b"}});
    CHECK_FALSE(master_cf.find("all", Type::unix)->chroot);
    CHECK(master_cf.find("some", Type::unix)->overrides.empty());
}

TEST_CASE("a master.cf of Postfix gets our programs and services", "[config]") {
    MasterCf master_cf = parse_master_cf(kPostfix, "master.cf");
    REQUIRE(master_cf.problems.empty());
    const Adoption adoption = adopt_postfix(master_cf);
    CHECK(command_of(master_cf, "smtp", Type::inet) == "smtpd");
    CHECK(command_of(master_cf, "smtp", Type::unix) == "smtp-client");
    CHECK(command_of(master_cf, "slow", Type::unix) == "smtp-client");
    CHECK(command_of(master_cf, "lmtp", Type::unix) == "smtp-client");
    CHECK(command_of(master_cf, "local", Type::unix) == "join");
    CHECK(command_of(master_cf, "queue", Type::unix) == "qmgr");
    CHECK(command_of(master_cf, "address", Type::unix) == "addressd");
    CHECK(command_of(master_cf, "qmgr", Type::unix) == "none");
    CHECK(command_of(master_cf, "cleanup", Type::unix) == "none");
    CHECK(adoption.dropped.size() == 4);
    CHECK(adoption.added ==
          std::vector<std::string>{"queue", "queue-admin", "virtual", "address", "policy", "auth"});
    CHECK(master_cf.find("slow", Type::unix)->overrides.size() == 1);
}

TEST_CASE("what a service that is dropped was told is not forgotten", "[config]") {
    MasterCf master_cf = parse_master_cf(
        "cleanup unix n - y - 0 cleanup\n"
        "pre-cleanup unix n - y - 0 cleanup -o virtual_alias_maps=\n",
        "master.cf");
    const Adoption adoption = adopt_postfix(master_cf);
    REQUIRE(adoption.dropped.size() == 2);
    CHECK(adoption.dropped[0].lost.empty());
    CHECK(adoption.dropped[1].lost == std::vector<std::string>{"virtual_alias_maps"});
    CHECK(adoption.dropped[1].line == 2);
}

TEST_CASE("a master.cf of our own stays as it is", "[config]") {
    MasterCf master_cf = parse_master_cf(
        "smtp inet n - y - - smtpd\n"
        "queue unix - - - 300 1 qmgr\n",
        "master.cf");
    const auto before = master_cf.services;
    const Adoption adoption = adopt_postfix(master_cf);
    CHECK(master_cf.services == before);
    CHECK(adoption.added.empty());
    CHECK(adoption.dropped.empty());
}

TEST_CASE("a service that has the name of one of ours is told", "[config]") {
    MasterCf master_cf = parse_master_cf(
        "cleanup unix n - y - 0 cleanup\n"
        "policy unix - n n - 0 spawn user=nobody argv=/policy\n"
        "virtual unix - n n - - virtual\n",
        "master.cf");
    const Adoption adoption = adopt_postfix(master_cf);
    CHECK(adoption.clashes == std::vector<int>{2});
}
