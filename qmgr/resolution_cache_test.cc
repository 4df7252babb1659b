#include "qmgr/resolution_cache.h"

#include <catch2/catch.hpp>

using namespace facteur;
using namespace facteur::qmgr;

TEST_CASE("an answer is kept as long as addressd allows, and a failure not at all", "[qmgr]") {
    Loop loop;
    ResolutionCache cache(3);
    ipc::Resolve question;
    question.sender = "a@x.test";
    question.recipients = {"b@x.test", "c@x.test"};
    ipc::Resolution told;
    told.sender = "mapped@x.test";
    told.keep = 10;
    told.recipients.resize(2);
    ipc::Destination to;
    to.recipient = "b@x.test";
    told.recipients[0].destinations.push_back(to);
    told.recipients[1].status = "4.3.0";
    cache.keep(question, told);
    ipc::Resolution answer;
    CHECK_FALSE(cache.answer(question, answer));
    question.recipients = {"b@x.test"};
    answer = ipc::Resolution();
    REQUIRE(cache.answer(question, answer));
    CHECK(answer.sender == "mapped@x.test");
    CHECK(answer.recipients.at(0) == told.recipients[0]);
    question.sender = "other@x.test";
    CHECK_FALSE(cache.answer(question, answer));
    question.sender = "a@x.test";
    question.expanded = true;
    CHECK_FALSE(cache.answer(question, answer));
    question.expanded = false;
    loop.advance(Seconds(11));
    answer = ipc::Resolution();
    CHECK_FALSE(cache.answer(question, answer));
}
