#include "lib/sasl/passwd_file.h"

#include <catch2/catch.hpp>

using namespace facteur;
using namespace facteur::sasl;

TEST_CASE("a line of a passwd-file is taken apart and put together again", "[sasl]") {
    const std::string line =
        "tim@example.org:{PLAIN}secret:1000:1001:Tim:/home/tim:/bin/sh:userdb_mail=maildir:~/Mail "
        "nologin allow_nets=127.0.0.0/8,::1";
    const auto entry = parse_passwd_line(line);
    REQUIRE(entry);
    CHECK(entry->user == "tim@example.org");
    CHECK(entry->password == "{PLAIN}secret");
    CHECK(entry->uid == "1000");
    CHECK(entry->gid == "1001");
    CHECK(entry->gecos == "Tim");
    CHECK(entry->home == "/home/tim");
    CHECK(entry->shell == "/bin/sh");
    CHECK(entry->field("userdb_mail") == "maildir:~/Mail");
    CHECK(entry->field("nologin") == "");
    CHECK(entry->field("allow_nets") == "127.0.0.0/8,::1");
    CHECK_FALSE(entry->field("proxy"));
    CHECK(to_line(*entry) == line);
}

TEST_CASE("missing fields are empty, comments are none", "[sasl]") {
    CHECK(parse_passwd_line("tim")->password.empty());
    CHECK(to_line(*parse_passwd_line("tim")) == "tim:");
    CHECK(to_line(*parse_passwd_line("tim:{PLAIN}x::::::")) == "tim:{PLAIN}x");
    CHECK(to_line(*parse_passwd_line("tim:::::::nologin")) == "tim:::::::nologin");
    CHECK_FALSE(parse_passwd_line(""));
    CHECK_FALSE(parse_passwd_line("# tim:{PLAIN}x"));
    CHECK_FALSE(parse_passwd_line(":{PLAIN}x"));
    CHECK_FALSE(parse_passwd_line("  "));
}

TEST_CASE("users are found in a file, the last line of one counts", "[sasl]") {
    PasswdFile file("# users\nann:{PLAIN}a\r\n\nbob:{PLAIN}b\nann:{PLAIN}c");
    CHECK(file.size() == 2);
    REQUIRE(file.find("ann"));
    CHECK(file.find("ann")->password == "{PLAIN}c");
    CHECK(file.find("bob")->password == "{PLAIN}b");
    CHECK_FALSE(file.find("# users"));
    CHECK_FALSE(file.find("an"));
    REQUIRE(file.sample(7));
    CHECK(file.sample(7) == file.sample(7));
    CHECK_FALSE(PasswdFile().sample(7));
    CHECK(file.users() == std::vector<std::string_view>{"bob", "ann"});
}

TEST_CASE("100,000 users are indexed and found", "[sasl]") {
    std::string text;
    for (int i = 0; i < 100'000; ++i)
        text += "user" + std::to_string(i) + "@example.org:{PLAIN}p:1000:1000::/mail/u::\n";
    PasswdFile file(std::move(text));
    CHECK(file.size() == 100'000);
    CHECK(file.find("user99999@example.org"));
    CHECK_FALSE(file.find("user100000@example.org"));
}

TEST_CASE("a change leaves comments, order and other lines alone", "[sasl]") {
    const std::string text = "# head\nann:{PLAIN}a\n\nbob:{PLAIN}b:::::: nologin\n# tail\n";
    PasswdEntry ann;
    ann.user = "ann";
    ann.password = "{PLAIN}new";
    CHECK(with_user(text, ann) == "# head\nann:{PLAIN}new\n\nbob:{PLAIN}b:::::: nologin\n# tail\n");
    ann.user = "cyd";
    CHECK(with_user(text, ann) == text + "cyd:{PLAIN}new\n");
    CHECK(without_user(text, "bob") == "# head\nann:{PLAIN}a\n\n# tail\n");
    CHECK_FALSE(without_user(text, "dan"));
    CHECK(with_user("", ann) == "cyd:{PLAIN}new\n");
    CHECK(with_user("bob:x", ann) == "bob:x\ncyd:{PLAIN}new\n");
    // Other lines stay as they are, the CR at their ends, too.
    CHECK(with_user("bob:x\r\ncyd:y\r\n", ann) == "bob:x\r\ncyd:{PLAIN}new\n");
    CHECK(without_user("bob\r\r\nbob\r\ncyd\n", "cyd") == "bob\r\r\nbob\r\n");
}

TEST_CASE("a user name cannot break the file", "[sasl]") {
    CHECK(is_user_name("tim@example.org"));
    CHECK(is_user_name("us\xc3\xa9r"));
    for (const char* bad : {"", "#tim", "a:b", "a\nb", "a b", "a\tb", "a\x7f"})
        CHECK_FALSE(is_user_name(bad));
}
