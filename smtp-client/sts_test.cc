#include "smtp-client/sts.h"

#include <catch2/catch.hpp>

#include "lib/event/loop.h"
#include "smtp-client/fake_server_test.h"

using namespace facteur;
using namespace facteur::smtp_client;
using Mode = smtp::StsPolicy::Mode;

namespace {

class FakeMemory : public StsMemory {
public:
    std::map<std::string, std::string> kept;
    Task<Result<std::map<std::string, std::string>>> recall() override { co_return kept; }
    Task<void> remember(std::string domain, std::string value) override {
        kept[domain] = value;
        co_return;
    }
    Task<void> forget(std::string domain) override {
        kept.erase(domain);
        co_return;
    }
};

struct Sts {
    Loop loop;
    Scope scope;
    FakeResolver resolver;
    FakeMemory memory;
    Result<HttpsPage> page = temporary("no server");
    int fetched = 0;
    std::unique_ptr<StsPolicies> policies;

    Sts() { restart(); }
    ~Sts() { stop(); }
    void stop() {
        scope.cancel();
        loop.run_until([this] { return scope.running() == 0; });
    }
    void restart() {
        auto fetch = [this](std::string) { return get(*this); };
        policies =
            std::make_unique<StsPolicies>(scope, resolver, fetch, memory, StsPolicies::Limits());
    }
    static Task<Result<HttpsPage>> get(Sts& self) {
        ++self.fetched;
        co_return self.page;
    }
    void record(const std::string& text) {
        dns::Answer answer;
        answer.status = dns::Answer::Status::found;
        dns::Record txt;
        txt.type = dns::Type::txt;
        txt.data = text;
        answer.records.push_back(txt);
        resolver.answers["TXT _mta-sts.there.test"] = answer;
    }
    void serve(const std::string& mode, const std::string& age = "86400") {
        HttpsPage good;
        good.status = 200;
        good.type = "text/plain; charset=utf-8";
        good.body =
            "version: STSv1\r\nmode: " + mode + "\r\nmx: mx.there.test\r\nmax_age: " + age + "\r\n";
        page = good;
    }
    static Task<void> ask(Sts& self, StsPolicies::Found& found, bool& done) {
        found = co_await self.policies->find("there.test");
        done = true;
    }
    StsPolicies::Found find() {
        StsPolicies::Found found;
        bool done = false;
        scope.spawn(ask(*this, found, done));
        loop.run_until([&] { return done; });
        return found;
    }
};

}  // namespace

TEST_CASE_METHOD(Sts, "a policy is fetched once, and again when its id changes [RFC 8461 3.3]",
                 "[smtp-client]") {
    CHECK_FALSE(find().entry);
    CHECK(fetched == 0);
    record("v=STSv1; id=1;");
    serve("enforce");
    REQUIRE(find().entry);
    CHECK(find().entry->policy.mode == Mode::enforce);
    CHECK(fetched == 1);
    record("v=STSv1; id=2;");
    serve("testing");
    CHECK(find().entry->policy.mode == Mode::testing);
    CHECK(fetched == 2);
}

TEST_CASE_METHOD(Sts, "a known policy outlives its record, its server and the process",
                 "[smtp-client]") {
    record("v=STSv1; id=1;");
    serve("enforce");
    REQUIRE(find().entry);
    resolver.answers.clear();
    page = temporary("no server");
    CHECK(find().entry);
    resolver.fail(dns::Type::txt, "_mta-sts.there.test");
    CHECK(find().entry);
    restart();
    CHECK(find().entry);
    record("v=STSv1; id=2;");
    CHECK(find().entry->id == "1");
    CHECK(find().failure == "sts-policy-fetch-error");
}

TEST_CASE_METHOD(Sts, "what cannot be fetched is none, and not asked for at once again",
                 "[smtp-client]") {
    record("v=STSv1; id=1;");
    std::string failure = "sts-policy-fetch-error";
    SECTION("no server") {}
    SECTION("a certificate that is not trusted") {
        page = temporary("bad", "certificate");
        failure = "sts-webpki-invalid";
    }
    SECTION("a redirection [RFC 8461 3.3]") {
        serve("enforce");
        page->status = 301;
    }
    SECTION("another type") {
        serve("enforce");
        page->type = "text/html";
    }
    SECTION("nonsense") {
        serve("sometimes");
        failure = "sts-policy-invalid";
    }
    auto found = find();
    CHECK_FALSE(found.entry);
    CHECK(found.failure == failure);
    CHECK(find().failure == failure);
    CHECK(fetched == 1);
    loop.advance(Seconds(301));
    find();
    CHECK(fetched == 2);
}

TEST_CASE_METHOD(Sts, "an expired policy is forgotten", "[smtp-client]") {
    record("v=STSv1; id=1;");
    serve("enforce", "0");
    CHECK_FALSE(find().entry);
    bool done = false;
    auto refresh = [](Sts& self, bool& ready) -> Task<void> {
        co_await self.policies->refresh();
        ready = true;
    };
    scope.spawn(refresh(*this, done));
    loop.run_until([&] { return done; });
    CHECK(memory.kept.empty());
    CHECK(policies->size() == 0);
}

TEST_CASE("what is kept is read again", "[smtp-client]") {
    StsEntry entry;
    entry.id = "x1";
    entry.fetched = 12345;
    entry.text = "version: STSv1\nmode: none\nmax_age: 1\n";
    auto read = StsEntry::decode(entry.encode());
    REQUIRE(read);
    CHECK(read->id == "x1");
    CHECK(read->fetched == 12345);
    CHECK(read->text == entry.text);
    for (const std::string bad : {"", "x", "a b\nversion: STSv1\n", "1 x\n"})
        CHECK_FALSE(StsEntry::decode(bad));
}
