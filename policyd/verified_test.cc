#include "policyd/verified.h"

#include <cstdlib>

#include <catch2/catch.hpp>

#include "lib/config/load.h"
#include "lib/event/loop.h"

using namespace facteur;
using namespace facteur::policyd;
using ipc::Deliverable;

namespace {

/// Addresses at "good" are deliverable, at "bad" not; "broken" cannot be asked.
class Oracle {
public:
    explicit Oracle(const std::string& main_cf = {}) {
        conf::load_text(settings, "myorigin = here.test\naddress_verify_map =\n" + main_cf);
        verified = std::make_unique<Verified>(
            scope, settings, [this](std::string, std::string to) { return answer(std::move(to)); });
        char name[] = "/tmp/facteur-verify-XXXXXX";
        folder = ::mkdtemp(name);
        verified->open("btree:" + folder + "/cache");
    }
    ~Oracle() {
        scope.cancel();
        loop.run_until([&] { return scope.running() == 0; });
        verified.reset();
        [[maybe_unused]] int ignored = std::system(("rm -r " + folder).c_str());
    }
    Verdict find(const std::string& address) {
        std::optional<Verdict> verdict;
        scope.spawn(ask(address, verdict));
        loop.run_until([&] { return verdict.has_value(); });
        return *verdict;
    }

    Loop loop;
    Scope scope;
    Settings settings;
    std::unique_ptr<Verified> verified;
    std::string folder;
    int probes = 0;

private:
    Task<Result<Verdict>> answer(std::string to) {
        ++probes;
        if (to.starts_with("broken")) co_return temporary("no queue");
        Verdict verdict;
        verdict.status = to.starts_with("good") ? Deliverable::yes : Deliverable::no;
        verdict.text = "250 2.1.5 " + to;
        co_return verdict;
    }
    Task<void> ask(std::string address, std::optional<Verdict>& verdict) {
        const TimePoint deadline = Loop::current().now() + Milliseconds(1000);
        Verdict found = co_await verified->find(std::move(address), deadline);
        verdict.emplace(std::move(found));
    }
};

}  // namespace

TEST_CASE("a verdict has the form of verify(8)", "[policyd]") {
    Verdict verdict;
    verdict.status = Deliverable::no;
    verdict.updated = 77;
    verdict.text = "550 5.1.1 a:b";
    CHECK(verdict_text(verdict) == "2:0:77:550 5.1.1 a:b");
    const auto parsed = parse_verdict("2:0:77:550 5.1.1 a:b");
    REQUIRE(parsed);
    CHECK(parsed->status == Deliverable::no);
    CHECK(parsed->text == "550 5.1.1 a:b");
    for (const char* text : {"", "1:2:3", "4:0:0:x", "x:0:0:x", "1::0:x", "1:-1:0:x"})
        CHECK_FALSE(parse_verdict(text));
}

TEST_CASE("an address is probed once and remembered", "[policyd]") {
    Oracle oracle;
    CHECK(oracle.find("Good@far.test").status == Deliverable::yes);
    CHECK(oracle.find("good@FAR.test").status == Deliverable::yes);
    CHECK(oracle.find("bad@far.test").status == Deliverable::no);
    CHECK(oracle.find("bad@far.test").text == "250 2.1.5 bad@far.test");
    CHECK(oracle.probes == 2);
    CHECK(oracle.find("broken@far.test").status == Deliverable::later);
    CHECK(oracle.find("broken@far.test").status == Deliverable::later);
    CHECK(oracle.probes == 4);
}

TEST_CASE("undeliverable addresses need not be remembered", "[policyd]") {
    Oracle oracle("address_verify_negative_cache = no\n");
    oracle.find("bad@far.test");
    oracle.find("bad@far.test");
    CHECK(oracle.probes == 2);
}

TEST_CASE("the sender of probes may change with time", "[policyd]") {
    CHECK(Oracle().verified->sender() == "double-bounce@here.test");
    CHECK(Oracle("address_verify_sender = <>\n").verified->sender().empty());
    CHECK(Oracle("address_verify_sender = p@x.test\n").verified->sender() == "p@x.test");
    const std::string sender = Oracle("address_verify_sender_ttl = 1h\n").verified->sender();
    CHECK(sender.size() > std::string("double-bounce@here.test").size());
    CHECK(sender.starts_with("double-bounce"));
}
