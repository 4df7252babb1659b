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

    void use(const std::string& main_cf) {
        REQUIRE(conf::load_text(settings, "myhostname = mx.test\n" + main_cf).empty());
        rates = std::make_unique<Rates>(settings);
    }
    static Task<void> store(Rates& rates, ipc::Ask question, std::string& text, bool& done) {
        auto reply = co_await rates.ask(question, 1);
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
        ask.client_key = ask.client_address;
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
    use("");
    const auto limited = [](ipc::PolicyMoment moment, std::string ip, std::uint32_t limit) {
        ipc::Ask asked = question(moment, std::move(ip));
        asked.rate_limit = limit;
        return asked;
    };
    const auto connect = limited(ipc::PolicyMoment::connect, "192.0.2.5", 2);
    CHECK(ask(connect) == "ok");
    CHECK(ask(connect) == "ok");
    CHECK(ask(connect) == "421 4.7.0 mx.test Error: too many connections from 192.0.2.5");
    CHECK(ask(limited(ipc::PolicyMoment::connect, "192.0.2.6", 2)) == "ok");
    loop.advance(61s);
    CHECK(ask(connect) == "ok");
    auto [moment, text] = GENERATE(table<ipc::PolicyMoment, std::string>({
        {ipc::PolicyMoment::mail, "450 4.7.1 Error: too much mail from 192.0.2.5"},
        {ipc::PolicyMoment::recipient, "450 4.7.1 Error: too many recipients from 192.0.2.5"},
        {ipc::PolicyMoment::auth, "450 4.7.1 Error: too many AUTH commands from 192.0.2.5"},
        {ipc::PolicyMoment::starttls, "454 4.7.0 Error: too many new TLS sessions from 192.0.2.5"},
    }));
    CHECK(ask(limited(moment, "192.0.2.5", 1)) == "ok");
    CHECK(ask(limited(moment, "192.0.2.5", 1)) == text);
}

TEST_CASE_METHOD(Fixture, "connections count over all processes", "[policyd]") {
    use("");
    ipc::Ask connect = question(ipc::PolicyMoment::connect, "192.0.2.5");
    connect.count_limit = 3;
    rates->census().set("smtp/192.0.2.5", 2, 2);
    connect.connections = 1;
    CHECK(ask(connect) == "ok");
    connect.connections = 2;
    CHECK(ask(connect) == "421 4.7.0 mx.test Error: too many connections from 192.0.2.5");
    connect.connections = 1;  // it told how many it has, not that there is one more
    CHECK(ask(connect) == "ok");
    rates->census().forget(2);
    connect.connections = 3;
    CHECK(ask(connect) == "ok");
    CHECK(rates->census().set("smtp/192.0.2.5", 1, 0) == 0);
    CHECK(rates->census().clients() == 0);
}

TEST_CASE_METHOD(Fixture, "a login is limited wherever it comes from", "[policyd]") {
    use("smtpd_login_message_rate_limit = 2\nsmtpd_login_recipient_rate_limit = 1\n");
    auto mail = [&](const std::string& ip, const std::string& login) {
        auto asked = question(ipc::PolicyMoment::mail, ip, login);
        asked.client_key.clear();
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
