#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "lib/store/quota/keeper.h"

using namespace facteur::store::quota;

namespace {

Rules rules_of(std::vector<std::string> settings) {
    settings.insert(settings.begin(), "quota=maildir:User quota");
    auto rules = Rules::parse(settings);
    REQUIRE(rules);
    REQUIRE(*rules);
    return **rules;
}

/// An empty Maildir++ with a Trash.
class Place {
public:
    Place() {
        char name[] = "/tmp/quota-test-XXXXXX";
        path = ::mkdtemp(name);
        for (const char* sub : {"cur", "new", "tmp", ".Trash/cur", ".Trash/new", ".Trash/tmp"})
            std::filesystem::create_directories(path + "/" + sub);
    }
    ~Place() { std::filesystem::remove_all(path); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    void put(const std::string& file, const std::string& text) const {
        std::ofstream(path + "/" + file) << text;
    }
    std::string read(const std::string& file) const {
        std::ifstream in(path + "/" + file);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    std::string path;
};

}  // namespace

TEST_CASE("quota rules limit as Dovecot's", "[store]") {
    Rules rules =
        rules_of({"quota_rule=*:storage=1G:messages=1000", "quota_rule2=Trash:storage=+10%",
                  "quota_rule3=Spam:ignore", "quota_rule4=Lists.*:storage=50%"});
    constexpr std::uint64_t kGig = 1 << 30;
    CHECK(rules.name() == "User quota");
    CHECK(rules.limits() == Limits{kGig, 1000});
    CHECK(rules.limits_in("Trash") == Limits{kGig + kGig / 10, 1000});
    CHECK(rules.limits_in("Lists.c++") == Limits{kGig / 2, 1000});
    CHECK(rules.limits_in("Lists") == Limits{kGig, 1000});
    CHECK(rules.ignored("Spam"));
    CHECK_FALSE(rules.ignored("INBOX"));
    CHECK(rules.grace() == kGig / 10);
}

TEST_CASE("a number without a unit counts kilobytes, bytes= bytes", "[store]") {
    CHECK(rules_of({"quota_rule=*:storage=10"}).limits().bytes == 10240);
    CHECK(rules_of({"quota_rule=*:bytes=10"}).limits().bytes == 10);
    CHECK(rules_of({"quota_rule=*:bytes=10M"}).limits().bytes == 10 << 20);
}

TEST_CASE("the user's own rule takes the place of main.cf's", "[store]") {
    Rules rules = rules_of({"quota_rule=*:storage=1M", "quota_rule=*:storage=2M"});
    CHECK(rules.limits().bytes == 2 << 20);
}

TEST_CASE("what is no rule is told", "[store]") {
    for (const char* text : {"", "storage=1G", "*:storage=x", "*:storage=1X", "*:storage=+1M",
                             "*:colour=red", "*:storage=99999999999999999999"})
        CHECK_FALSE(parse_rule(text));
    CHECK_FALSE(parse_warning("storage=95%"));
    CHECK_FALSE(parse_warning("95% command"));
    CHECK_FALSE(Rules::parse({"quota=fs:x"}));
    auto none = Rules::parse({"quota_rule=*:storage=1"});
    REQUIRE(none);
    CHECK_FALSE(*none);
}

TEST_CASE("the first warning whose threshold is crossed is given", "[store]") {
    Rules rules = rules_of({"quota_rule=*:bytes=1000", "quota_warning=storage=95%% high",
                            "quota_warning2=storage=80%% low", "quota_warning3=-storage=100% ok"});
    auto command = [&](std::int64_t from, std::int64_t to) {
        const Warning* warning = rules.crossed({from, 1}, {to, 1});
        return warning ? warning->command : "";
    };
    CHECK(command(0, 799) == "");
    CHECK(command(0, 800) == "low");
    CHECK(command(800, 900) == "");
    CHECK(command(0, 999) == "high");
    CHECK(command(1000, 999) == "ok");
}

TEST_CASE("maildirsize is read and refused", "[store]") {
    auto file = parse_maildirsize("1000S,10C\n500 2\n-100 -1\n");
    REQUIRE(file);
    CHECK(file->limits == Limits{1000, 10});
    CHECK(file->usage == Usage{400, 1});
    CHECK(file->lines == 2);
    CHECK(parse_maildirsize("NOQUOTA\n1 1\n"));
    for (const char* text : {"", "1000S", "xS\n1 1\n", "1000S\n1\n", "1000S\n1 1", "1000S\n-1 -1\n",
                             "1000S\n1 x\n", "1000S\n1152921504606846977 1\n"})
        CHECK_FALSE(parse_maildirsize(text));
    CHECK(format_limits({1000, 10}) == "1000S,10C");
    CHECK(format_limits({}) == "NOQUOTA");
}

TEST_CASE("a Maildir is counted and kept count of", "[store]") {
    Place place;
    place.put("cur/1.a,S=100:2,S", "x");
    place.put("new/2.b", "12345");
    place.put(".Trash/cur/3.c,S=1000:2,", "x");
    std::vector<std::string> warnings;
    Keeper keeper(place.path,
                  rules_of({"quota_rule=*:bytes=1000", "quota_rule2=Trash:ignore",
                            "quota_warning=storage=50% half"}),
                  '.', 0600, [&](const Warning& warning) { warnings.push_back(warning.command); });
    REQUIRE(keeper.usage());
    CHECK(*keeper.usage() == Usage{105, 2});
    CHECK(place.read("maildirsize") == "1000S\n105 2\n");
    CHECK(keeper.admit("INBOX", {895}));
    CHECK(keeper.admit("INBOX", {995}));  // the grace of 10 %
    CHECK_FALSE(keeper.admit("INBOX", {996}));
    CHECK(keeper.admit("INBOX", {996}, {1, 1}));
    CHECK(keeper.admit("Trash", {100000}));
    keeper.changed("INBOX", {400, 1});
    keeper.changed("Trash", {4000, 1});
    CHECK(place.read("maildirsize") == "1000S\n105 2\n400 1\n");
    CHECK(warnings == std::vector<std::string>{"half"});
    keeper.changed("INBOX", {-400, -1});
    CHECK(*keeper.usage() == Usage{105, 2});
}

TEST_CASE("a change that comes before the first count is counted once", "[store]") {
    Place place;
    Keeper keeper(place.path, rules_of({"quota_rule=*:bytes=1000"}), '.', 0600, {});
    place.put("cur/1.a,S=100:2,S", "x");
    keeper.changed("INBOX", {100, 1});
    CHECK(*keeper.usage() == Usage{100, 1});
}

TEST_CASE("a full mailbox is counted again before a message is refused", "[store]") {
    Place place;
    place.put("maildirsize", "1000S\n5000 5\n");
    Keeper keeper(place.path, rules_of({"quota_rule=*:bytes=1000"}), '.', 0600, {});
    CHECK(keeper.admit("INBOX", {10}));
    CHECK(*keeper.usage() == Usage{0, 0});
    place.put("maildirsize", "2000S\n5 5\n");  // written for another quota
    CHECK(*keeper.usage() == Usage{0, 0});
}
