#include "authd/verifier.h"

#include <fstream>

#include <catch2/catch.hpp>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authd/directory.h"
#include "authd/exchanges.h"
#include "lib/config/load.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"
#include "lib/sasl/password.h"

using namespace facteur;
using namespace facteur::authd;
using namespace std::literals;

namespace {

/// A passwd-file in a folder of its own, and everything that reads it.
class Fixture {
public:
    Fixture() {
        REQUIRE(::mkdtemp(folder_.data()));
        write(
            "# users\n"
            "tim@example.org:{PLAIN}secret\n"
            "ann@example.org:{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=:5:6::/h/ann::"
            "userdb_mail=maildir:~/M userdb_quota_rule=*:storage=1G\n"
            "off@example.org:{PLAIN}secret::::::nologin\n"
            "lan@example.org:{PLAIN}secret::::::allow_nets=10.0.0.0/8\n"
            "bad@example.org:{NOSUCH}secret\n"
            "odd@example.org:{PLAIN}secret:five:6\n");
    }
    ~Fixture() {
        ::unlink(path().c_str());
        ::rmdir(folder_.c_str());
    }
    std::string path() const { return folder_ + "/users"; }
    void write(const std::string& text) const { std::ofstream(path()) << text; }

    void make(const std::string& more = "") {
        std::string text = "mail_uid = 1234\nmail_home = /mail/%d/%n\n" + more;
        if (!more.starts_with("auth_passdb")) text += "auth_passdb = passwd-file:" + path() + "\n";
        REQUIRE(conf::load_text(settings, text).empty());
        auto made = Verifier::create(settings);
        REQUIRE(made);
        verifier = *std::move(made);
        verifier->start_threads();
        auto directory_made = Directory::create(settings, "1234", *verifier);
        REQUIRE(directory_made);
        directory = *std::move(directory_made);
        directory->start_threads();
        exchanges = std::make_unique<Exchanges>(settings, *verifier);
    }

    template <class T>
    T wait_for(Task<T> task) {
        std::optional<T> result;
        scope.spawn(store(std::move(task), result));
        loop.run_until([&] { return result.has_value(); });
        return *std::move(result);
    }
    template <class T>
    static Task<void> store(Task<T> task, std::optional<T>& result) {
        result.emplace(co_await task);
    }

    Task<bool> after(Milliseconds time) {
        co_await Sleep(scope, time);
        co_return true;
    }

    Verdict claim(const std::string& user, const std::string& password,
                  const std::string& from = "192.0.2.1") {
        return wait_for(verifier->verify(scope, Claim{user, password, "imap", from}));
    }
    ipc::UserReply user(const std::string& name) {
        auto found = wait_for(directory->find(name));
        REQUIRE(found);
        return *found;
    }

    std::string folder_ = "/tmp/facteur-authd-XXXXXX";
    Settings settings;
    Loop loop;
    Scope scope;
    std::unique_ptr<Verifier> verifier;
    std::unique_ptr<Directory> directory;
    std::unique_ptr<Exchanges> exchanges;
};

constexpr auto kNoDelay = "auth_failure_delay = 0s\n";

using Kind = Verdict::Kind;

}  // namespace

TEST_CASE_METHOD(Fixture, "a passwd-file decides who may in", "[authd]") {
    make(kNoDelay);
    CHECK(claim("tim@example.org", "secret").kind == Kind::accepted);
    CHECK(claim("TIM@Example.ORG", "secret").user == "tim@example.org");
    CHECK(claim("ann@example.org", "secret").kind == Kind::accepted);
    CHECK(claim("tim@example.org", "Secret").reason == "password mismatch");
    CHECK(claim("who@example.org", "secret").reason == "unknown user");
    CHECK(claim("../tim@example.org", "secret").reason == "unknown user");
    CHECK(claim("off@example.org", "secret").reason == "login disabled");
    CHECK(claim("lan@example.org", "secret").kind == Kind::rejected);
    CHECK(claim("lan@example.org", "secret", "10.1.2.3").kind == Kind::accepted);
    CHECK(claim("bad@example.org", "secret").kind == Kind::rejected);
}

TEST_CASE_METHOD(Fixture, "a changed file counts at once, also for remembered passwords",
                 "[authd]") {
    make(kNoDelay);
    CHECK(claim("tim@example.org", "secret").kind == Kind::accepted);
    write("tim@example.org:{PLAIN}other-password\n");
    CHECK(claim("tim@example.org", "secret").kind == Kind::rejected);
    CHECK(claim("tim@example.org", "other-password").kind == Kind::accepted);
}

TEST_CASE_METHOD(Fixture, "a file that cannot be read is a temporary failure", "[authd]") {
    ::unlink(path().c_str());
    make(kNoDelay);
    CHECK(claim("tim@example.org", "secret").kind == Kind::temporary);
    CHECK_FALSE(wait_for(directory->find("tim@example.org")));
}

TEST_CASE_METHOD(Fixture, "a failure is answered after auth_failure_delay", "[authd]") {
    make("auth_failure_delay = 2s\n");
    const std::string name = GENERATE("tim@example.org", "who@example.org");
    std::optional<Verdict> verdict;
    scope.spawn(store(verifier->verify(scope, Claim{name, "wrong", "imap", "192.0.2.1"}), verdict));
    std::optional<bool> almost;
    scope.spawn(store(after(1900ms), almost));
    loop.advance(1900ms);
    loop.run_until([&] { return almost.has_value(); });
    CHECK_FALSE(verdict);
    loop.advance(2s);
    loop.run_until([&] { return verdict.has_value(); });
    CHECK(verdict->kind == Kind::rejected);
}

TEST_CASE_METHOD(Fixture, "an unknown user costs the hash of a known one", "[authd]") {
    auto stored = sasl::make_password("PBKDF2", "secret");
    REQUIRE(stored);
    write("slow@example.org:" + *stored + "\n");
    make(kNoDelay);
    auto cost_of = [&](const std::string& user) {
        const auto began = std::chrono::steady_clock::now();
        CHECK(claim(user, "wrong").kind == Kind::rejected);
        return std::chrono::steady_clock::now() - began;
    };
    const auto known = cost_of("slow@example.org");
    const auto unknown = cost_of("who@example.org");
    CHECK(unknown > known / 3);
    CHECK(unknown < known * 3);
}

TEST_CASE_METHOD(Fixture, "a lookup gives uid, home and mail, own or by parameter", "[authd]") {
    make();
    const auto ann = user("ann@example.org");
    CHECK(ann.found);
    CHECK(ann.uid == 5);
    CHECK(ann.gid == 6);
    CHECK(ann.home == "/h/ann");
    CHECK(ann.mail == "maildir:/h/ann/M");
    CHECK(ann.extra == std::vector{"quota_rule=*:storage=1G"s});
    const auto tim = user("tim@example.org");
    CHECK(tim.uid == 1234);
    CHECK(tim.home == "/mail/example.org/tim");
    CHECK(tim.mail == "maildir:/mail/example.org/tim/Maildir");
    CHECK_FALSE(user("who@example.org").found);
    CHECK_FALSE(user("../../etc").found);
    CHECK_FALSE(wait_for(directory->find("odd@example.org")));
}

TEST_CASE_METHOD(Fixture, "the system's users can be looked up", "[authd]") {
    make("auth_userdb = passwd\n");
    CHECK(user("root").home == "/root");
    CHECK_FALSE(user("no-such-user").found);
}

TEST_CASE_METHOD(Fixture, "PAM is asked by a helper process", "[authd]") {
    make("auth_passdb = pam:facteur-test-no-such-service\nauth_failure_delay = 0s\n");
    CHECK(claim("no-such-user", "secret").kind != Kind::accepted);
    CHECK(claim("root", "surely not this").kind != Kind::accepted);
}

TEST_CASE_METHOD(Fixture, "a wrong auth_passdb or auth_userdb is an error", "[authd]") {
    REQUIRE(conf::load_text(settings, "auth_passdb = ldap:/x\n").empty());
    CHECK_FALSE(Verifier::create(settings));
    make();
    REQUIRE(conf::load_text(settings, "auth_userdb = nis\n").empty());
    CHECK_FALSE(Directory::create(settings, "1234", *verifier));
}

TEST_CASE_METHOD(Fixture, "SASL goes from the first word to the verdict", "[authd]") {
    make(kNoDelay);
    ipc::SaslStart start;
    start.mechanism = "PLAIN";
    start.service = "smtp";
    start.client_address = "192.0.2.1";
    start.has_response = true;
    start.response = "\0tim@example.org\0secret"s;
    auto reply = wait_for(exchanges->start(scope, start));
    CHECK(reply.outcome == ipc::SaslOutcome::accepted);
    CHECK(reply.user == "tim@example.org");

    start.response = "ann@example.org\0tim@example.org\0secret"s;
    CHECK(wait_for(exchanges->start(scope, start)).outcome == ipc::SaslOutcome::rejected);
    start.response = "nonsense";
    CHECK(wait_for(exchanges->start(scope, start)).outcome == ipc::SaslOutcome::malformed);
    start.mechanism = "GSSAPI";
    CHECK(wait_for(exchanges->start(scope, start)).outcome == ipc::SaslOutcome::unknown_mechanism);
}

TEST_CASE_METHOD(Fixture, "LOGIN takes three steps, each of which can be the last", "[authd]") {
    make("auth_failure_delay = 0s\nauth_request_limit = 1\n");
    ipc::SaslStart start;
    start.mechanism = "LOGIN";
    auto asked = wait_for(exchanges->start(scope, start));
    REQUIRE(asked.outcome == ipc::SaslOutcome::more);
    CHECK(asked.challenge == "Username:");
    CHECK(wait_for(exchanges->start(scope, start)).outcome == ipc::SaslOutcome::temporary);

    ipc::SaslStep step;
    step.exchange = asked.exchange;
    step.response = "tim@example.org";
    auto again = wait_for(exchanges->step(scope, step));
    CHECK(again.challenge == "Password:");
    CHECK(wait_for(exchanges->step(scope, step)).outcome == ipc::SaslOutcome::temporary);
    step.exchange = again.exchange;
    step.response = "secret";
    CHECK(wait_for(exchanges->step(scope, step)).outcome == ipc::SaslOutcome::accepted);

    auto late = wait_for(exchanges->start(scope, start));
    loop.advance(settings.exchange_timeout() + 1s);
    step.exchange = late.exchange;
    CHECK(wait_for(exchanges->step(scope, step)).outcome == ipc::SaslOutcome::temporary);
}
