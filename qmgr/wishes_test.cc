// What the submitter asked of the delivery: priority, a time to deliver by, a time to release at.
#include <catch2/catch.hpp>

#include "qmgr/house.h"
#include "qmgr/outgoing.h"

using namespace facteur;
using namespace facteur::qmgr;

namespace {

spool::QueueId submit(House& house, spool::Envelope envelope) {
    auto id = *spool::QueueId::parse(spool::make_queue_id());
    REQUIRE(
        house.run(house.manager.accept_text(id, std::move(envelope), "Subject: hi\r\n\r\nx\r\n")));
    return id;
}

/// The notices among what the agent got.
std::vector<std::string> notices(const House& house) {
    std::vector<std::string> found;
    for (std::size_t i = 0; i < house.agent->jobs.size(); ++i) {
        if (house.agent->jobs[i].sender.empty()) found.push_back(house.agent->contents[i]);
    }
    return found;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

ipc::RecipientResult later(const ipc::Job& job, const ipc::JobRecipient&) {
    ipc::RecipientResult result;
    result.status = "4.4.1";
    result.text = "not now";
    if (job.sender.empty()) {
        result.outcome = ipc::Outcome::delivered;
        result.status = "2.0.0";
    }
    return result;
}

}  // namespace

TEST_CASE("what is to be released later waits until then, after a restart too", "[qmgr]") {
    Folder folder;
    spool::QueueId id;
    const std::int64_t release = now_seconds() + 2;
    {
        House house;
        spool::Envelope envelope = house.envelope({"b@example.net"}, "a@example.org");
        envelope.release_at = release;
        id = submit(house, envelope);
        house.manager.flush_all();
        REQUIRE(house.manager.flush(id));
        auto view = look(house, id);
        REQUIRE(view);
        CHECK(view->story.next_attempt == release);
        CHECK(house.agent->jobs.empty());
    }
    House again;
    again.until([&] { return again.gone(id); });
    CHECK(now_seconds() >= release);
    CHECK(again.agent->jobs.size() == 1);
}

TEST_CASE("what is held for later can be deleted and returned before", "[qmgr]") {
    Folder folder;
    House house;
    spool::Envelope envelope = house.envelope({"b@example.net"}, "a@example.org");
    envelope.release_at = now_seconds() + 3600;
    spool::QueueId deleted = submit(house, envelope);
    spool::QueueId returned = submit(house, envelope);
    REQUIRE(house.run(house.manager.remove(deleted)));
    CHECK(house.gone(deleted));
    REQUIRE(house.run(house.manager.expire(returned)));
    house.until([&] { return house.gone(returned) && house.manager.idle(); });
    REQUIRE(house.agent->jobs.size() == 1);
    CHECK(has(notices(house).at(0), "Action: failed"));
}

TEST_CASE("mail that must be returned is, when its time is over [RFC 2852 4.1.1]", "[qmgr]") {
    Folder folder;
    House house;
    house.agent->decide = later;
    spool::Envelope envelope = house.envelope({"b@example.net"}, "a@example.org");
    envelope.by_mode = spool::ByMode::return_it;
    envelope.deliver_by = now_seconds() + 2;
    spool::QueueId id = submit(house, envelope);
    until_tried(house, id, 1);
    auto view = look(house, id);
    REQUIRE(view);
    CHECK(view->story.next_attempt <= envelope.deliver_by);  // not minimal_backoff_time later
    house.until([&] { return house.gone(id) && house.manager.idle(); });
    REQUIRE(notices(house).size() == 1);
    CHECK(has(notices(house)[0], "Action: failed"));
    CHECK(has(notices(house)[0], "Status: 5.4.7"));
}

TEST_CASE("mail that is late is told of once, and goes on [RFC 2852 4.1.1]", "[qmgr]") {
    auto [before, notify, expected] = GENERATE(table<int, int, std::size_t>({
        {1, 0, 1U},
        {1, spool::notify_failure, 1U},
        {1, spool::notify_never, 0U},
        {-5, 0, 0U},  // it was late before it came: somebody else has told
    }));
    INFO(before << " " << notify);
    Folder folder;
    House house("minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n");
    house.agent->decide = later;
    house.notify = static_cast<std::uint8_t>(notify);
    spool::Envelope envelope = house.envelope({"b@example.net"}, "a@example.org");
    envelope.by_mode = spool::ByMode::notify;
    envelope.deliver_by = now_seconds() + before;
    spool::QueueId id = submit(house, envelope);
    until_tried(house, id, 3);
    CHECK(notices(house).size() == expected);
    if (expected > 0) CHECK(has(notices(house)[0], "Action: delayed"));
    CHECK_FALSE(house.gone(id));
}

TEST_CASE("relays are told of as DELIVERBY asks [RFC 2852 4.1.2]", "[qmgr]") {
    auto [mode, trace, by, dsn, handed, expected] =
        GENERATE(table<spool::ByMode, bool, bool, bool, bool, bool>({
            {spool::ByMode::notify, false, true, true, false, false},
            {spool::ByMode::notify, true, true, true, false, true},
            {spool::ByMode::notify, false, false, true, false, true},
            {spool::ByMode::notify, false, false, false, true, true},
            {spool::ByMode::notify, false, false, false, false, false},  // into a mailbox
            {spool::ByMode::return_it, true, true, true, false, true},
            {spool::ByMode::none, false, false, true, false, false},
        }));
    Folder folder;
    House house;
    house.agent->decide = [by = by, dsn = dsn, handed = handed](const ipc::Job& job,
                                                                const ipc::JobRecipient&) {
        ipc::RecipientResult result;
        result.outcome = ipc::Outcome::delivered;
        result.status = "2.0.0";
        result.by_passed_on = by;
        result.dsn_passed_on = dsn;
        result.handed_on = handed && !job.sender.empty();
        return result;
    };
    spool::Envelope envelope = house.envelope({"b@example.net"}, "a@example.org");
    envelope.by_mode = mode;
    envelope.by_trace = trace;
    envelope.deliver_by = now_seconds() + 600;
    spool::QueueId id = submit(house, envelope);
    house.until([&] { return house.gone(id) && house.manager.idle(); });
    REQUIRE(notices(house).size() == (expected ? 1 : 0));
    if (expected) CHECK(has(notices(house)[0], "Action: relayed"));
}

TEST_CASE("urgent mail goes first [RFC 6710 5.1]", "[qmgr]") {
    Folder folder;
    House house("qmgr_message_active_limit = 1\n", false);
    std::vector<spool::QueueId> ids;
    for (int priority : {0, 0, 4}) {
        spool::Envelope envelope = house.envelope({"b@example.net"}, "a@example.org");
        envelope.priority = static_cast<std::int8_t>(priority);
        ids.push_back(submit(house, envelope));
    }
    house.agent = std::make_unique<FakeAgent>(house.scope, "private/smtp");
    house.until([&] { return house.agent->jobs.size() == 3; });
    CHECK(house.agent->jobs[0].queue_id == ids[0].text());  // it was active
    CHECK(house.agent->jobs[1].queue_id == ids[2].text());
    CHECK(house.agent->jobs[1].priority == 4);
}
