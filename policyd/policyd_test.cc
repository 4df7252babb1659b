#include <catch2/catch.hpp>

#include "lib/config/load.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "policyd/rates.h"

using namespace facteur;
using namespace facteur::policyd;
using namespace std::chrono_literals;

namespace {

struct Fixture {
    Loop loop;
    Scope scope;
    Settings settings;
    std::unique_ptr<Rates> rates;

    static Task<Result<bool>> exempt(std::string, std::string ip) {
        if (ip == "192.0.2.99") co_return temporary("no table");
        co_return ip == "192.0.2.1";
    }
    void use(const std::string& main_cf) {
        REQUIRE(conf::load_text(settings, "mynetworks = 127.0.0.0/8\n" + main_cf).empty());
        rates = std::make_unique<Rates>(settings, &Fixture::exempt);
    }
    static Task<void> store(Rates& rates, ipc::Ask question, std::string& text, bool& done) {
        auto reply = co_await rates.ask(question);
        if (reply) text = std::to_string(reply->code) + " " + reply->status + " " + reply->text;
        done = true;
    }
    std::string ask(ipc::Ask question) {
        std::string text = "ok";
        bool done = false;
        scope.spawn(store(*rates, std::move(question), text, done));
        loop.run_until([&] { return done; });
        return text;
    }
    static ipc::Ask question(ipc::PolicyMoment moment, std::string ip, std::string login = "") {
        ipc::Ask ask;
        ask.moment = moment;
        ask.service = "smtp";
        ask.client_address = std::move(ip);
        ask.client_name = "unknown";
        ask.login = std::move(login);
        return ask;
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "nothing is limited by default", "[policyd]") {
    use("");
    for (int i = 0; i < 1000; ++i)
        REQUIRE(ask(question(ipc::PolicyMoment::connect, "192.0.2.5")) == "ok");
    CHECK(rates->size() == 0);
}

TEST_CASE_METHOD(Fixture, "each moment has its limit, per client and time unit", "[policyd]") {
    use("smtpd_client_connection_rate_limit = 2\nsmtpd_client_message_rate_limit = 1\n"
        "smtpd_client_recipient_rate_limit = 1\nsmtpd_client_auth_rate_limit = 1\n"
        "smtpd_client_new_tls_session_rate_limit = 1\n");
    const auto connect = question(ipc::PolicyMoment::connect, "192.0.2.5");
    CHECK(ask(connect) == "ok");
    CHECK(ask(connect) == "ok");
    CHECK(ask(connect) == "421 4.7.0 Error: too many connections from 192.0.2.5");
    CHECK(ask(question(ipc::PolicyMoment::connect, "192.0.2.6")) == "ok");
    loop.advance(61s);
    CHECK(ask(connect) == "ok");
    auto [moment, text] = GENERATE(table<ipc::PolicyMoment, std::string>({
        {ipc::PolicyMoment::mail, "450 4.7.1 Error: too much mail from 192.0.2.5"},
        {ipc::PolicyMoment::recipient, "450 4.7.1 Error: too many recipients from 192.0.2.5"},
        {ipc::PolicyMoment::auth, "450 4.7.0 Error: too many AUTH commands from 192.0.2.5"},
        {ipc::PolicyMoment::starttls, "454 4.7.0 Error: too many new TLS sessions from 192.0.2.5"},
    }));
    CHECK(ask(question(moment, "192.0.2.5")) == "ok");
    CHECK(ask(question(moment, "192.0.2.5")) == text);
}

TEST_CASE_METHOD(Fixture, "exceptions are not limited, and a table that fails refuses nobody",
                 "[policyd]") {
    use("smtpd_client_connection_rate_limit = 1\n"
        "smtpd_client_event_limit_exceptions = 192.0.2.1\n");
    for (std::string ip : {"192.0.2.1", "192.0.2.99"}) {
        CHECK(ask(question(ipc::PolicyMoment::connect, ip)) == "ok");
        CHECK(ask(question(ipc::PolicyMoment::connect, ip)) == "ok");
    }
    use("smtpd_client_connection_rate_limit = 1\n"
        "smtpd_client_event_limit_exceptions = $mynetworks\n");
    auto own = question(ipc::PolicyMoment::connect, "127.0.0.1");
    own.in_mynetworks = true;
    CHECK(ask(own) == "ok");
    CHECK(ask(own) == "ok");
}

TEST_CASE_METHOD(Fixture, "a login is limited wherever it comes from", "[policyd]") {
    use("smtpd_login_message_rate_limit = 2\nsmtpd_login_recipient_rate_limit = 1\n");
    auto mail = [&](const std::string& ip, const std::string& login) {
        auto asked = question(ipc::PolicyMoment::mail, ip, login);
        asked.in_mynetworks = true;
        return ask(asked);
    };
    CHECK(mail("192.0.2.1", "bob") == "ok");
    CHECK(mail("192.0.2.2", "BOB") == "ok");
    CHECK(mail("192.0.2.3", "bob") == "450 4.7.1 Error: too much mail from bob");
    CHECK(mail("192.0.2.3", "eve") == "ok");
    CHECK(ask(question(ipc::PolicyMoment::recipient, "192.0.2.3", "eve")) == "ok");
    CHECK(ask(question(ipc::PolicyMoment::recipient, "192.0.2.4", "eve")).starts_with("450 4.7.1"));
}

TEST_CASE("memory for counters is bounded, the longest unseen is forgotten", "[policyd]") {
    Counters counters(60s, 3);
    const TimePoint now{};
    for (std::string key : {"a", "b", "c"})
        CHECK(counters.count(key, Event::auth, now) == 1);
    CHECK(counters.count("a", Event::auth, now) == 2);
    CHECK(counters.count("d", Event::auth, now) == 1);
    CHECK(counters.size() == 3);
    CHECK(counters.count("a", Event::auth, now) == 3);
    CHECK(counters.count("b", Event::auth, now) == 1);
    CHECK(counters.count("a", Event::message, now) == 1);
    CHECK(counters.count("a", Event::auth, now + 60s) == 1);
}

TEST_CASE("IPv6 clients are told apart by prefix", "[policyd]") {
    CHECK(client_key("192.0.2.1", 64) == "192.0.2.1");
    CHECK(client_key("2001:db8:1:2:3::4", 64) == "2001:db8:1:2::/64");
    CHECK(client_key("2001:db8:1:2:3::4", 128) == "2001:db8:1:2:3::4/128");
    CHECK(client_key("unknown", 64) == "unknown");
}
