#include <catch2/catch.hpp>

#include "qmgr/house.h"

using namespace facteur;
using namespace facteur::qmgr;

namespace {

ipc::ProbeReply probe(House& house, const std::string& recipient) {
    ipc::Probe question;
    question.sender = "double-bounce@example.org";
    question.recipient = recipient;
    auto reply = house.run(house.manager.probe(question));
    REQUIRE(reply);
    return *reply;
}

std::uint8_t number(ipc::Outcome outcome) {
    return static_cast<std::uint8_t>(outcome);
}

Task<void> ask(House& house, int& answers) {
    ipc::Probe question;
    question.recipient = "slow@example.net";
    auto reply = co_await house.manager.probe(question);
    if (reply) ++answers;
}

}  // namespace

TEST_CASE("a probe is a job without a message", "[qmgr]") {
    Folder folder;
    House house;
    ipc::ProbeReply reply = probe(house, "b@example.net");
    CHECK(reply.outcome == number(ipc::Outcome::delivered));
    CHECK(reply.status == "2.0.0");
    CHECK(reply.text == "250 ok");
    REQUIRE(house.agent->jobs.size() == 1);
    CHECK(house.agent->jobs[0].verify);
    CHECK(house.agent->jobs[0].sender == "double-bounce@example.org");
    CHECK(house.agent->contents.empty());
    house.until([&] { return house.agent->settled.size() == 1; });
    CHECK(house.manager.active_count() == 0);
    CHECK(house.manager.ids_in_memory().empty());
}

TEST_CASE("a probe tells what a message would meet", "[qmgr]") {
    Folder folder;
    House house;
    house.agent->decide = [](const ipc::Job&, const ipc::JobRecipient& recipient) {
        ipc::RecipientResult result;
        result.outcome = ipc::Outcome::failed;
        result.status = "5.1.1";
        result.text = "550 no " + recipient.address;
        if (recipient.address.starts_with("two@")) result.outcome = ipc::Outcome::deferred;
        return result;
    };
    auto [address, outcome, status] = GENERATE(table<std::string, ipc::Outcome, std::string>({
        {"b@example.net", ipc::Outcome::failed, "5.1.1"},
        {"b@error.test", ipc::Outcome::failed, "5.1.1"},
        {"b@retry.test", ipc::Outcome::deferred, "4.2.1"},
        {"b@discard.test", ipc::Outcome::delivered, "2.0.0"},
        {"b@fail.test", ipc::Outcome::deferred, "4.3.0"},
        {"alias@example.net", ipc::Outcome::deferred, "5.1.1"},
    }));
    INFO(address);
    ipc::ProbeReply reply = probe(house, address);
    CHECK(reply.outcome == number(outcome));
    CHECK(reply.status == status);
}

TEST_CASE("the members of an alias are probed, the best answer counts", "[qmgr]") {
    Folder folder;
    House house;
    house.agent->decide = [](const ipc::Job&, const ipc::JobRecipient& recipient) {
        ipc::RecipientResult result;
        const bool good = recipient.address.starts_with("two@");
        result.outcome = good ? ipc::Outcome::delivered : ipc::Outcome::failed;
        result.status = good ? "2.1.5" : "5.1.1";
        return result;
    };
    ipc::ProbeReply reply = probe(house, "alias@example.net");
    CHECK(reply.outcome == number(ipc::Outcome::delivered));
    CHECK(reply.status == "2.1.5");
    REQUIRE(reply.results.size() == 3);
    CHECK(reply.results[0].recipient == "one@example.net");
    CHECK(reply.results[0].outcome == number(ipc::Outcome::failed));
}

TEST_CASE("the same question at the same time is asked once, and not too many", "[qmgr]") {
    Folder folder;
    House house("address_verify_pending_request_limit = 1\n");
    house.agent->silent = true;
    int answers = 0;
    house.scope.spawn(ask(house, answers));
    house.scope.spawn(ask(house, answers));
    house.until([&] { return house.agent->jobs.size() == 1; });
    ipc::Probe other;
    other.recipient = "other@example.net";
    auto refused = house.run(house.manager.probe(other));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().is_temporary());
    house.agent->report(house.agent->report_for(house.agent->jobs[0]));
    house.until([&] { return answers == 2; });
    CHECK(house.agent->jobs.size() == 1);
}

TEST_CASE("an agent that dies under a probe is asked again", "[qmgr]") {
    Folder folder;
    House house;
    house.agent->silent = true;
    int answers = 0;
    house.scope.spawn(ask(house, answers));
    house.until([&] { return house.agent->jobs.size() == 1; });
    house.agent->silent = false;
    house.agent->die();
    house.until([&] { return answers == 1; });
    CHECK(house.agent->jobs.size() == 2);
}
