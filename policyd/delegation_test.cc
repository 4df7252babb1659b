#include "policyd/delegation.h"

#include <catch2/catch.hpp>

#include "lib/event/loop.h"
#include "lib/net/socket.h"

using namespace facteur;
using namespace facteur::policyd;
using namespace std::chrono_literals;

namespace {

/// No name is known.
class NoNames : public dns::Resolver {
public:
    Task<Result<dns::Answer>> query(Scope&, std::string, dns::Type, TimePoint) override {
        co_return permanent("no such name", "5.4.4");
    }
};

/// A policy server that answers as it is told, and counts.
struct Fixture {
    Fixture() {
        Address address = *Address::from_ip("127.0.0.1");
        listener = *listen_on(address);
        name = "inet:" + local_address(listener.get()).text();
        scope.spawn(accept_loop(scope, listener.get(), [this](Fd socket) {
            ++connections;
            scope.spawn(serve(std::move(socket)));
        }));
    }
    ~Fixture() {
        scope.cancel();
        loop.run_until([&] { return scope.running() == 0; });
    }
    Task<void> serve(Fd socket) {
        Stream stream(scope, std::move(socket));
        try {
            for (std::string question;;) {
                const Line line = co_await stream.read_line(1000);
                question += line.text + "\n";
                if (!line.text.empty()) continue;
                questions.push_back(std::exchange(question, {}));
                if (hangs_up-- > 0) break;
                stream.put(answer);
                co_await stream.flush();
            }
        } catch (const Disconnect&) {
        }
        ++ended;
    }
    static Task<void> store(PolicyServer& server, ipc::Delegate question, std::string& text,
                            bool& done) {
        Result<std::string> action = co_await server.ask(question);
        text = action ? *action : "failed: " + action.error().text;
        done = true;
    }
    std::string ask(PolicyServer& server, ipc::Delegate question) {
        std::string text;
        bool done = false;
        question.attributes = {"request=smtpd_access_policy", "sender=a\nb"};
        scope.spawn(store(server, std::move(question), text, done));
        loop.run_until([&] { return done; });
        return text;
    }

    Loop loop;
    NoNames resolver;
    Scope scope;
    Fd listener;
    std::string name;
    std::string answer = "action=DUNNO\n\n";
    int hangs_up = 0;
    int connections = 0;
    int ended = 0;
    std::vector<std::string> questions;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "a connection is used again, within its bounds", "[policyd]") {
    PolicyServer server(scope, resolver, name, 10);
    ipc::Delegate question;
    CHECK(ask(server, question) == "DUNNO");
    answer = "note=x\naction=REJECT no\x01way\n\n";
    CHECK(ask(server, question) == "REJECT no?way");
    CHECK(connections == 1);
    REQUIRE(questions.size() == 2);
    CHECK(questions[0] == "request=smtpd_access_policy\nsender=a?b\n\n");
    SECTION("max_idle") {
        loop.advance(301s);
        loop.run_until([&] { return server.idle() == 0 && ended == 1; });
    }
    SECTION("max_ttl") {
        question.max_ttl = 1000;
        for (int i = 0; i < 4; ++i) {
            loop.advance(290s);
            CHECK(ask(server, question) == "REJECT no?way");
        }
        CHECK(connections == 2);
    }
    SECTION("request_limit") {
        question.request_limit = 3;
        CHECK(ask(server, question) == "REJECT no?way");
        CHECK(server.idle() == 0);
        CHECK(ask(server, question) == "REJECT no?way");
        CHECK(connections == 2);
    }
}

TEST_CASE_METHOD(Fixture, "a question is asked again, but not for ever", "[policyd]") {
    PolicyServer server(scope, resolver, name, 10);
    ipc::Delegate question;
    question.retry_delay = 0;
    hangs_up = 1;
    CHECK(ask(server, question) == "DUNNO");
    CHECK(questions.size() == 2);
    hangs_up = 5;
    CHECK(ask(server, question) == "failed: connection lost");
    hangs_up = 0;
    for (const std::string bad : {"DUNNO\n\n", "result=DUNNO\n\n", "\n"}) {
        answer = bad;
        CHECK(ask(server, question).substr(0, 14) == "failed: answer");
    }
    CHECK(server.idle() == 0);
}

TEST_CASE_METHOD(Fixture, "a server that is not there is told as such", "[policyd]") {
    ipc::Delegate question;
    question.tries = 1;
    PolicyServer nowhere(scope, resolver, "unix:/nowhere/at/all", 10);
    CHECK(ask(nowhere, question).substr(0, 8) == "failed: ");
    PolicyServer unnamed(scope, resolver, "inet:no.such.name:1", 10);
    CHECK(ask(unnamed, question) == "failed: no such name");
    PolicyServer portless(scope, resolver, "inet:localhost:http", 10);
    CHECK(ask(portless, question).find("no port number") != std::string::npos);
}

TEST_CASE("policy servers are found wherever a list names them", "[policyd]") {
    CHECK(server_names("permit, check_policy_service inet:a:1 reject unix:b") ==
          std::vector<std::string>{"inet:a:1"});
    CHECK(server_names("check_policy_service { unix:c, timeout=1s, { default_action = "
                       "check_policy_service inet:d:2 } }") ==
          std::vector<std::string>{"unix:c", "inet:d:2"});
    CHECK(server_names("inet:localhost:8891 check_policy_service").empty());
}
