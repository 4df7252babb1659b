#include "lib/sasl/mechanism.h"

#include <catch2/catch.hpp>

using namespace facteur::sasl;
using namespace std::literals;

namespace {

std::string told(const ServerStep& step) {
    if (const auto* challenge = std::get_if<Challenge>(&step)) return "? " + challenge->text;
    if (const auto* check = std::get_if<CheckPassword>(&step)) {
        return check->authorization + "|" + check->user + "|" + check->password;
    }
    return "malformed";
}

}  // namespace

TEST_CASE("PLAIN takes its three fields apart [RFC 4616 section 2]", "[sasl]") {
    auto [response, expected] = GENERATE(table<std::string, std::string>({
        {"\0tim\0tanstaaftanstaaf"s, "|tim|tanstaaftanstaaf"},
        {"Ursel\0Kurt\0xipj3plmq"s, "Ursel|Kurt|xipj3plmq"},
        {"\0tim\0"s, "|tim|"},
        {""s, "malformed"},
        {"tim\0secret"s, "malformed"},
        {"\0\0secret"s, "malformed"},
        {"\0tim\0sec\0ret"s, "malformed"},
        {"\0"s + std::string(kMaxField, 'u') + "\0p"s, "|" + std::string(kMaxField, 'u') + "|p"},
        {"\0"s + std::string(kMaxField + 1, 'u') + "\0p"s, "malformed"},
    }));
    CHECK(told(make_server("plain")->step(response)) == expected);
}

TEST_CASE("PLAIN without an initial response asks with an empty challenge", "[sasl]") {
    CHECK(told(make_server("PLAIN")->step(std::nullopt)) == "? ");
}

TEST_CASE("LOGIN prompts twice, or takes the user name as initial response", "[sasl]") {
    auto asked = make_server("LOGIN");
    CHECK(told(asked->step(std::nullopt)) == "? Username:");
    CHECK(told(asked->step("tim")) == "? Password:");
    CHECK(told(asked->step("secret")) == "|tim|secret");

    auto eager = make_server("login");
    CHECK(told(eager->step("tim")) == "? Password:");
    CHECK(told(eager->step("")) == "|tim|");

    CHECK(told(make_server("LOGIN")->step("")) == "malformed");
    CHECK(told(make_server("LOGIN")->step("a\0b"sv)) == "malformed");
}

TEST_CASE("an unknown mechanism is none", "[sasl]") {
    CHECK_FALSE(make_server("ANONYMOUS"));
    CHECK_FALSE(make_server(""));
}
