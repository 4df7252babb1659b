#include "authd/user_name.h"

#include <catch2/catch.hpp>

using namespace facteur::authd;

TEST_CASE("templates are expanded as Dovecot does", "[authd]") {
    const Variables tim{"Tim@Example.org", "/home/tim", "imap"};
    auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"/srv/mail/%d/%n", "/srv/mail/Example.org/Tim"},
        {"%Lu", "tim@example.org"},
        {"%Ud", "EXAMPLE.ORG"},
        {"maildir:%h/Maildir:INDEX=/i/%s", "maildir:/home/tim/Maildir:INDEX=/i/imap"},
        {"100%%", "100%"},
        {"a%", "a%"},
        {"%x", ""},
        {"%L", ""},
        {"", ""},
    }));
    CHECK(expand(text, tim) == expected);
    CHECK(expand("%n|%d", Variables{"tim", "", ""}) == "tim|");
}

TEST_CASE("a user name carries nothing into a path", "[authd]") {
    for (const char* good : {"tim", "tim@example.org", "t.i-m+x_1@a", "us\xc3\xa9r"})
        CHECK(is_safe_user(good));
    for (const char* bad : {"", ".", "..", "../etc", "a/b", "a@../b", "a@.b", "a\nb", "a b", "a:b",
                            "a@b/../c", "\x7f"}) {
        INFO(bad);
        CHECK_FALSE(is_safe_user(bad));
    }
    CHECK_FALSE(is_safe_user(std::string(256, 'a')));
    CHECK_FALSE(is_safe_user(std::string("a\0b", 3)));
}

TEST_CASE("allow_nets is a list of networks of both families", "[authd]") {
    const char* nets = "127.0.0.0/8,192.0.2.7,2001:db8::/32, ::1";
    for (const char* in : {"127.1.2.3", "192.0.2.7", "2001:db8:1::2", "::1"})
        CHECK(in_networks(in, nets));
    for (const char* out : {"128.0.0.1", "192.0.2.8", "2001:db9::1", "::2", "", "unknown"})
        CHECK_FALSE(in_networks(out, nets));
    CHECK_FALSE(in_networks("127.0.0.1", "127.0.0.0/33"));
    CHECK_FALSE(in_networks("127.0.0.1", "nonsense"));
    CHECK(in_networks("10.0.0.1", "0.0.0.0/0"));
    CHECK_FALSE(in_networks("10.0.0.1", "::/0"));
}
