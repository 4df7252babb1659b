#include <cstdlib>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "lib/config/common.h"
#include "lib/config/edit.h"
#include "lib/config/expand.h"
#include "lib/config/load.h"
#include "lib/config/per_service.h"

using namespace facteur;
using namespace facteur::conf;
using namespace std::chrono_literals;

namespace {

enum class Level { none, may, encrypt };

struct Settings : Common {
    Param<Seconds> timeout{params, "smtpd_timeout", 300s, at_least(1s), "Time for one command."};
    Param<Seconds> warning{params, "delay_warning_time", Seconds(0), at_least(0h).in('h'),
                           "Hours."};
    Param<Seconds> copy{params, "lmtp_timeout", Default("$smtpd_timeout"), "A copy."};
    Param<Milliseconds> pause{params, "pause", 500ms, "Milliseconds."};
    Param<int> limit{params, "smtpd_recipient_limit", 1000, Range<int>{100, 100000}, "Recipients."};
    Param<Size> size{params, "journal_limit", 1048576, at_least(1024), "Bytes."};
    Param<std::string> banner{params, "smtpd_banner", "$myhostname ESMTP", "Greeting."};
    Param<List> restrictions{params, "smtpd_recipient_restrictions", "reject", "Restrictions."};
    Param<bool> helo{params, "smtpd_helo_required", false, "Helo."};
    Param<Raw> reply{params, "default_rbl_reply", "$rbl_code blocked", "Reply."};
    Param<Level> level{
        params, "smtp_tls_security_level", Level::may,
        Choices<Level>{{"none", Level::none}, {"may", Level::may}, {"encrypt", Level::encrypt}},
        "TLS."};
};

}  // namespace

TEST_CASE("every type of parameter is read from main.cf", "[config]") {
    Settings settings;
    const auto problems = load_text(settings,
                                    "# a comment\n"
                                    "myhostname = mail.example.org\n"
                                    "smtpd_timeout=5m\n"
                                    "delay_warning_time = 4\n"
                                    "pause = 20ms\n"
                                    "smtpd_recipient_limit = 200\n"
                                    "journal_limit = 2m\n"
                                    "smtpd_recipient_restrictions = permit_mynetworks,\n"
                                    "# inside\n"
                                    "   { check_client_access texthash:/x }\n"
                                    "\n"
                                    "\treject\n"
                                    "smtpd_helo_required = yes\n"
                                    "smtp_tls_security_level = encrypt\n");
    for (const auto& problem : problems)
        UNSCOPED_INFO(problem.where_and_what());
    CHECK(problems.empty());
    CHECK(settings.timeout() == 300s);
    CHECK(settings.warning() == 4h);
    CHECK(settings.copy() == 300s);
    CHECK(settings.pause() == 20ms);
    CHECK(settings.limit() == 200);
    CHECK(settings.size() == 2u << 20);
    CHECK(settings.banner() == "mail.example.org ESMTP");
    CHECK(settings.mydomain() == "example.org");
    CHECK(settings.myorigin() == "mail.example.org");
    CHECK(settings.mydestination() ==
          std::vector<std::string>{"mail.example.org", "localhost.example.org", "localhost"});
    CHECK(settings.restrictions() == std::vector<std::string>{"permit_mynetworks",
                                                              "{ check_client_access texthash:/x }",
                                                              "reject"});
    CHECK(settings.helo());
    CHECK(settings.reply() == "$rbl_code blocked");
    CHECK(settings.level() == Level::encrypt);
}

TEST_CASE("a wrong value is reported with its line and leaves the default", "[config]") {
    auto [line, expected] = GENERATE(table<std::string, std::string>({
        {"pause = soon",
         "main.cf, line 1: pause: \"soon\" is not a time; write a "
         "number and s, m, h, d or w"},
        {"smtpd_timeout = 0",
         "main.cf, line 1: smtpd_timeout: 0s is too short; the shortest is 1s"},
        {"smtpd_recipient_limit = 7",
         "main.cf, line 1: smtpd_recipient_limit: 7 is too small; the smallest is 100"},
        {"smtpd_recipient_limit = 7x",
         "main.cf, line 1: smtpd_recipient_limit: \"7x\" is not a number; write digits only"},
        {"journal_limit = 1",
         "main.cf, line 1: journal_limit: \"1\" is too small; the smallest is 1024"},
        {"smtpd_helo_required = on",
         "main.cf, line 1: smtpd_helo_required: \"on\" is neither yes nor no"},
        {"smtp_tls_security_level = must",
         "main.cf, line 1: smtp_tls_security_level: \"must\" must be one of: none, may, encrypt"},
        {"smtpd_banner = ${x", "main.cf, line 1: smtpd_banner: \"${x\" is not closed"},
        {"smtpd_timeout 5",
         "main.cf, line 1: missing '=' after the parameter name: \"smtpd_timeout "
         "5\"; write name = value"},
        {" smtpd_timeout = 5",
         "main.cf, line 1: a line that begins with a space continues the line "
         "before it, and there is none: remove the space"},
        {"smtpd_timeout = 5\nsmtpd_timeout = 300",
         "main.cf, line 2: smtpd_timeout is set in line 1 "
         "already; this later setting wins"},
    }));
    Settings settings;
    const auto problems = load_text(settings, line + "\n");
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].where_and_what() == expected);
    CHECK(settings.timeout() == 300s);
    CHECK(settings.limit() == 1000);
}

TEST_CASE("an override wins over main.cf", "[config]") {
    MainCf file = MainCf::parse("smtpd_timeout = 5s\nstress =\n", "main.cf");
    file.override_with("smtpd_timeout", "${stress?{10}:{20}}s", "master.cf");
    Settings settings;
    CHECK(load(settings, file).empty());
    CHECK(settings.timeout() == 20s);
    file.override_with("stress", "yes");
    CHECK(load(settings, file).empty());
    CHECK(settings.timeout() == 10s);
}

TEST_CASE("macros expand as in postconf(5)", "[config]") {
    const Lookup lookup = [](std::string_view name) -> std::optional<std::string> {
        if (name == "a") return "A";
        if (name == "b") return "<$a>";
        if (name == "loop") return "x$loop";
        if (name == "empty") return "";
        if (name == "three") return "3";
        return std::nullopt;
    };
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"", ""},
        {"plain", "plain"},
        {"$a", "A"},
        {"${a}x$(a)", "AxA"},
        {"$b.", "<A>."},
        {"$$a", "$a"},
        {"cost 5$", "cost 5$"},
        {"$-", "$-"},
        {"$unknown.", "."},
        {"${a?yes}${empty?yes}", "yes"},
        {"${a:no}${empty:no}", "no"},
        {"${a?{$b}:{no}}", "<A>"},
        {"${empty?{yes}:{n${a}o}}", "nAo"},
        {"${unknown ? {yes} : {no}}", "no"},
        {"${{$three} == {3} ? {same} : {other}}", "same"},
        {"${{$three} < {10} ? {less} : {more}}", "less"},
        {"${{abc} > {abd} ? {less} : {more}}", "more"},
        {"${{3.6} <level {3.10} ? {old} : {new}}", "old"},
    }));
    INFO(text);
    auto result = expand(text, lookup);
    REQUIRE(result);
    CHECK(*result == expected);
    for (std::string wrong : {"$loop", "${a", "${a=b}", "${}", "${a?{x}{y}}", "${{a} ? {b}}"}) {
        INFO(wrong);
        CHECK_FALSE(expand(wrong, lookup));
    }
}

TEST_CASE("every truncation of an expression is an error or a value, never a crash", "[config]") {
    const std::string text = "${{$x} == {1} ? {${y?{a}:{b}}} : {$(z)$$}}";
    const Lookup lookup = [](std::string_view) { return std::string("v"); };
    for (std::size_t n = 0; n <= text.size(); ++n) {
        auto result = expand(std::string_view(text).substr(0, n), lookup);
        CHECK((result || !result.error().text.empty()));
    }
}

TEST_CASE("names of parameters are unique and described", "[config]") {
    Settings settings;
    std::vector<std::string> names;
    for (const ParamBase* param : settings.params) {
        INFO(param->name());
        CHECK_FALSE(param->description().empty());
        CHECK(param->description().ends_with('.'));
        CHECK(std::find(names.begin(), names.end(), param->name()) == names.end());
        names.push_back(param->name());
    }
    CHECK(parameter_table(settings).find("smtpd_timeout\ttime\ts\t300s\tat least 1s\tTime") !=
          std::string::npos);
}

TEST_CASE("edits leave everything else in main.cf as it is", "[config]") {
    const std::string text =
        "# top\na = 1\n\nlist = one,\n# inside\n   two\n\n  three\nb=2\na = 3\n# end";
    auto edit = [&](Edit::Kind kind, std::string name, std::string value = "") {
        std::vector<Edit> edits;
        edits.push_back(Edit{kind, std::move(name), std::move(value)});
        return edit_main_cf(text, edits);
    };
    CHECK(edit(Edit::Kind::set, "a", "9") ==
          "# top\na = 9\n\nlist = one,\n# inside\n   two\n\n  three\nb=2\n# end\n");
    CHECK(edit(Edit::Kind::set, "list", "x") ==
          "# top\na = 1\n\nlist = x\n# inside\n\nb=2\na = 3\n# end\n");
    CHECK(edit(Edit::Kind::set, "new", "") == text + "\nnew =\n");
    CHECK(edit(Edit::Kind::remove, "b") ==
          "# top\na = 1\n\nlist = one,\n# inside\n   two\n\n  three\na = 3\n# end\n");
    CHECK(edit(Edit::Kind::comment_out, "list") ==
          "# top\na = 1\n\n#list = one,\n# inside\n#   two\n\n#  three\nb=2\na = 3\n# end\n");
    CHECK(edit(Edit::Kind::remove, "nothing") == text + "\n");
    CHECK(edit_main_cf("", {}).empty());
}

TEST_CASE("derived defaults that ask for each other end", "[config]") {
    Settings settings;
    load_text(settings, "myhostname = $mydomain\n");
    CHECK(settings.mydomain() == "localdomain");
}

TEST_CASE("a service may have a value of its own", "[config]") {
    struct Limits : Section {
        PerService<int> limit{params, "default_limit", "_limit", 20, at_least(0), "Most."};
        PerService<int> rate_limit{params, "default_rate_limit", "_rate_limit",
                                   7,      at_least(0),          "Most in a second."};
    };
    Limits limits;
    CHECK(load_text(limits, "default_limit = 30\nsmtp_limit = 5\nslow_rate_limit = $smtp_limit\n")
              .empty());
    CHECK(limits.limit("smtp") == 5);
    CHECK(limits.limit("relay") == 30);
    CHECK(limits.limit("slow_rate") == 30);
    CHECK(limits.rate_limit("slow") == 5);
    CHECK(limits.rate_limit("smtp") == 7);
    const auto problems = load_text(limits, "smtp_limit = many\n");
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].where_and_what() ==
          "main.cf, line 1: smtp_limit: \"many\" is not a number; write digits only");
    CHECK(limits.limit("other") == 20);
    CHECK(parameter_table(limits).find("\t_limit\n") != std::string::npos);
}

TEST_CASE("myorigin may be a file, as Debian has it", "[config]") {
    char path[] = "/tmp/facteur-origin-XXXXXX";
    const int fd = mkstemp(path);
    REQUIRE(write(fd, "mail.example.org\nrest\n", 22) == 22);
    close(fd);
    Common settings;
    CHECK(load_text(settings, std::string("myorigin = ") + path + "\n").empty());
    CHECK(settings.myorigin() == "mail.example.org");
    unlink(path);
    const auto problems = load_text(settings, std::string("myorigin = ") + path + "\n");
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].line == 1);
}
