#include "qmgr/manager.h"

#include <set>

#include <catch2/catch.hpp>

#include "qmgr/house.h"

using namespace facteur;
using namespace facteur::qmgr;

TEST_CASE("an accepted message is delivered, acknowledged and removed", "[qmgr]") {
    Folder folder;
    House house;
    spool::QueueId id = house.submit({"b@example.net"});
    house.until([&] { return house.gone(id) && !house.agent->settled.empty(); });
    REQUIRE(house.agent->jobs.size() == 1);
    const ipc::Job& job = house.agent->jobs[0];
    CHECK(job.queue_id == id.text());
    CHECK(job.nexthop == "example.net");
    CHECK(job.sender == "a@example.org");
    CHECK(house.agent->contents[0] == "Subject: hi\r\n\r\nHello\r\n");
    CHECK(house.agent->settled.contains(job.job));
    // The same request again is answered with success and delivers nothing.
    REQUIRE(house.run(house.manager.accept_text(id, house.envelope({"b@example.net"}, ""), "x")));
    CHECK(house.gone(id));
}

TEST_CASE("recipients are grouped by destination, each address once", "[qmgr]") {
    Folder folder;
    House house;
    spool::QueueId id = house.submit({"b@one.test", "c@two.test", "d@one.test", "b@one.test"});
    house.until([&] { return house.gone(id); });
    REQUIRE(house.agent->jobs.size() == 2);
    CHECK(house.agent->jobs[0].recipients.size() + house.agent->jobs[1].recipients.size() == 3);
}

TEST_CASE("a filter takes the place of every route, after the aliases", "[qmgr]") {
    Folder folder;
    House house;
    house.filter = "smtp:[127.0.0.1]:10025";
    spool::QueueId id = house.submit({"b@one.test", "alias@two.test", "c@error.test"});
    house.until([&] { return house.gone(id); });
    std::set<std::string> to;
    for (const ipc::Job& job : house.agent->jobs) {
        CHECK(job.nexthop == "[127.0.0.1]:10025");
        for (const auto& recipient : job.recipients)
            to.insert(recipient.address);
    }
    CHECK(to ==
          std::set<std::string>{"b@one.test", "c@error.test", "one@two.test", "two@two.test"});
    house.filter = "smtp";
    house.agent->jobs.clear();
    id = house.submit({"d@three.test"});
    house.until([&] { return house.gone(id); });
    REQUIRE(house.agent->jobs.size() == 1);
    CHECK(house.agent->jobs[0].nexthop == "three.test");
    house.filter = "discard:";
    house.agent->jobs.clear();
    id = house.submit({"d@three.test"});
    house.until([&] { return house.gone(id); });
    CHECK(house.agent->jobs.empty());
}

TEST_CASE("a filter without next hop has the one that is set", "[qmgr]") {
    Folder folder;
    House house("default_filter_nexthop = [127.0.0.1]:10026\n");
    house.filter = "smtp:";
    const spool::QueueId id = house.submit({"b@one.test"});
    house.until([&] { return house.gone(id); });
    CHECK(house.agent->jobs.at(0).nexthop == "[127.0.0.1]:10026");
}

TEST_CASE("an alias becomes its members, and that survives a restart", "[qmgr]") {
    Folder folder;
    spool::QueueId id;
    {
        House house("minimal_backoff_time = 1s\n");
        house.agent->decide = [](const ipc::Job&, const ipc::JobRecipient& recipient) {
            ipc::RecipientResult result;
            const bool one = recipient.address.starts_with("one@");
            result.outcome = one ? ipc::Outcome::delivered : ipc::Outcome::deferred;
            result.status = one ? "2.0.0" : "4.2.2";
            result.text = "so";
            return result;
        };
        id = house.submit({"alias@example.net"});
        house.until_idle();
        auto view = look(house, id);
        REQUIRE(view);
        REQUIRE(view->story.progress.size() == 3);
        CHECK(view->story.progress[1].fate == spool::Fate::delivered);
        CHECK(view->story.progress[2].fate == spool::Fate::waiting);
        CHECK(view->story.envelope.recipients[2].written() == "alias@example.net");
    }
    House again("minimal_backoff_time = 1s\n");
    again.manager.flush_all();
    while (!again.gone(id)) {
        again.manager.flush_all();
        again.run(pause(again.scope));
    }
    REQUIRE(again.agent->jobs.size() == 1);
    CHECK(again.agent->jobs[0].recipients[0].address == "two@example.net");
}

TEST_CASE("what is deferred waits, is tried again when flushed, and expires", "[qmgr]") {
    Folder folder;
    House house("maximal_queue_lifetime = 1h\ndelay_warning_time = 10m\n");
    spool::QueueId id = house.submit({"b@retry.test"});
    house.until_idle();
    auto view = look(house, id);
    REQUIRE(view);
    CHECK(view->place == Manager::Place::journal);
    CHECK(view->story.attempts == 1);
    CHECK(view->story.progress[0].text == "Later");
    CHECK(house.manager.waiting_count() == 1);
    house.manager.flush_all();
    until_tried(house, id, 2);
    // As old as the delay warning wants it, then too old.
    house.arrival -= std::int64_t{1200} * 1000000;
    spool::QueueId late = house.submit({"c@retry.test"});
    house.until([&] { return house.agent->jobs.size() == 1; });
    CHECK(house.agent->contents[0].find("Action: delayed\r\n") != std::string::npos);
    CHECK(house.agent->contents[0].find("Will-Retry-Until: ") != std::string::npos);
    CHECK(house.agent->contents[0].find("text/rfc822-headers") != std::string::npos);
    CHECK_FALSE(house.gone(late));
    house.arrival -= std::int64_t{3600} * 1000000;
    spool::QueueId old = house.submit({"d@fail.test"});
    house.until([&] { return house.agent->jobs.size() == 2 && house.gone(old); });
    CHECK(house.agent->contents[1].find("Action: failed\r\n") != std::string::npos);
}

TEST_CASE("an agent that dies gets its jobs again; one that always dies does not", "[qmgr]") {
    Folder folder;
    House house;
    house.agent->silent = true;
    spool::QueueId id = house.submit({"b@example.net"});
    for (std::size_t n = 1; n <= 4; ++n) {
        house.until([&] { return house.agent->jobs.size() == n; });
        house.agent->die();
    }
    house.until_idle();
    auto view = look(house, id);
    REQUIRE(view);
    CHECK(view->story.progress[0].status == "4.3.0");
}

TEST_CASE("a new qmgr learns from the agent what the old one did not record", "[qmgr]") {
    Folder folder;
    spool::QueueId reported;
    spool::QueueId running;
    ipc::Job reported_job;
    ipc::Job running_job;
    {
        House house;
        house.agent->silent = true;
        reported = house.submit({"b@example.net"});
        running = house.submit({"c@example.net"});
        house.until([&] { return house.agent->jobs.size() == 2; });
        reported_job = house.agent->jobs[0];
        running_job = house.agent->jobs[1];
    }
    if (reported_job.queue_id != reported.text()) std::swap(reported_job, running_job);
    House again("", false);
    again.agent = std::make_unique<FakeAgent>(again.scope, "private/smtp");
    again.agent->hello.unsettled.push_back(again.agent->report_for(reported_job));
    ipc::RunningJob still;
    still.job = running_job.job;
    still.queue_id = running_job.queue_id;
    still.recipients = {0};
    again.agent->hello.running.push_back(still);
    again.until([&] { return again.gone(reported) && again.agent->connected(); });
    CHECK(again.agent->jobs.empty());
    again.until([&] { return again.agent->settled.contains(reported_job.job); });
    again.agent->report(again.agent->report_for(running_job));
    again.until([&] { return again.gone(running); });
    CHECK(again.agent->jobs.empty());
}

TEST_CASE("written is not delivered before it is flushed", "[qmgr]") {
    Folder folder;
    House house;
    house.agent->decide = [](const ipc::Job&, const ipc::JobRecipient&) {
        ipc::RecipientResult result;
        result.outcome = ipc::Outcome::written;
        result.status = "2.0.0";
        return result;
    };
    spool::QueueId id = house.submit({"b@example.net"});
    house.until([&] { return house.agent->jobs.size() == 1; });
    spool::QueueId other = house.submit({"c@discard.test"});
    house.until([&] { return house.gone(other); });
    CHECK(house.manager.find(id) == Manager::Place::active);
    house.agent->flushed({house.agent->jobs[0].job});
    house.until([&] { return house.gone(id) && house.agent->settled.size() == 1; });
}

TEST_CASE("what was written and could not be flushed is delivered again", "[qmgr]") {
    Folder folder;
    House house;
    ipc::Outcome outcome = ipc::Outcome::written;
    house.agent->decide = [&outcome](const ipc::Job&, const ipc::JobRecipient& recipient) {
        ipc::RecipientResult result;
        // The second recipient's mailbox is on another file system, which is flushed.
        result.outcome = recipient.index == 1 ? ipc::Outcome::written : outcome;
        result.status = "4.3.0";
        result.text = "flush failed";
        return result;
    };
    spool::QueueId id = house.submit({"b@example.net", "c@example.net"});
    house.until([&] { return house.agent->jobs.size() == 1; });
    const ipc::Job job = house.agent->jobs[0];
    outcome = ipc::Outcome::deferred;
    house.agent->report(house.agent->report_for(job));
    house.agent->flushed({job.job});
    house.until([&] { return house.agent->settled.contains(job.job); });
    auto view = look(house, id);
    CHECK(view->story.progress[0].fate == spool::Fate::waiting);
    CHECK(view->story.progress[0].text == "flush failed");
    CHECK(view->story.progress[1].fate == spool::Fate::delivered);
    outcome = ipc::Outcome::delivered;
    REQUIRE(house.manager.flush(id));
    house.until([&] { return house.gone(id); });
    REQUIRE(house.agent->jobs.size() == 2);
    CHECK(house.agent->jobs[1].recipients.size() == 1);
}

TEST_CASE("a destination that fails is left alone, its mail put off", "[qmgr]") {
    Folder folder;
    House house("initial_destination_concurrency = 2\n");
    house.agent->fails_nexthop = true;
    house.agent->decide = [](const ipc::Job&, const ipc::JobRecipient&) {
        ipc::RecipientResult result;
        result.outcome = ipc::Outcome::deferred;
        result.status = "4.4.1";
        result.text = "Connection refused";
        return result;
    };
    for (int i = 0; i < 10; ++i)
        house.submit({"b@down.test"});
    house.until_idle();
    CHECK(house.agent->jobs.size() < 10);
    spool::QueueId id = house.submit({"c@down.test"});
    house.until_idle();
    CHECK(look(house, id)->story.progress[0].text ==
          "delivery temporarily suspended: Connection refused");
}

TEST_CASE("mail that can never go is returned, however much of it there is", "[qmgr]") {
    Folder folder;
    House house("initial_destination_concurrency = 2\n");
    house.agent->fails_nexthop = true;
    house.agent->decide = [](const ipc::Job&, const ipc::JobRecipient&) {
        ipc::RecipientResult result;
        result.outcome = ipc::Outcome::failed;
        result.status = "5.4.4";
        result.text = "Host not found";
        return result;
    };
    std::vector<spool::QueueId> ids;
    for (int i = 0; i < 10; ++i)
        ids.push_back(house.submit({"b@nowhere.test"}, ""));
    house.until_idle();
    CHECK(house.agent->jobs.size() == ids.size());
    for (spool::QueueId id : ids)
        CHECK(house.gone(id));
}

TEST_CASE("hold, release, expire and remove", "[qmgr]") {
    Folder folder;
    House house;
    spool::QueueId id = house.submit({"b@retry.test"});
    house.until_idle();
    REQUIRE(house.run(house.manager.hold(id)));
    CHECK(house.manager.find(id) == Manager::Place::hold);
    house.manager.flush_all();
    CHECK_FALSE(house.manager.flush(id));
    REQUIRE(house.run(house.manager.release(id)));
    until_tried(house, id, 2);
    REQUIRE(house.run(house.manager.expire(id)));
    house.until([&] { return house.gone(id) && house.agent->jobs.size() == 1; });
    spool::QueueId unwanted = house.submit({"b@retry.test"});
    house.until_idle();
    REQUIRE(house.run(house.manager.remove(unwanted)));
    CHECK(house.gone(unwanted));
    CHECK_FALSE(house.run(house.manager.remove(unwanted)));
}

TEST_CASE("a message that runs in a circle is returned", "[qmgr]") {
    Folder folder;
    House house("hopcount_limit = 3\n");
    std::string content;
    for (int i = 0; i < 4; ++i)
        content += "Received: from a by b\r\n";
    spool::QueueId id = house.submit({"b@example.net"}, "a@example.org", content + "\r\nbody\r\n");
    house.until([&] { return house.gone(id) && house.agent->jobs.size() == 1; });
    CHECK(house.agent->contents[0].find("Status: 5.4.6\r\n") != std::string::npos);
}

TEST_CASE("more messages than may be active wait on the disk and all arrive", "[qmgr]") {
    Folder folder;
    House house(
        "qmgr_message_active_limit = 5\nqmgr_content_count_limit = 2\n"
        "queue_journal_segments = 2\n");
    std::vector<spool::QueueId> ids;
    for (int i = 0; i < 100; ++i)
        ids.push_back(house.submit({std::to_string(i) + "@example.net"}));
    house.until([&] { return house.agent->jobs.size() == 100 && house.manager.idle(); });
    for (spool::QueueId id : ids)
        CHECK(house.gone(id));
}

TEST_CASE("however many are due, no more are read than may be active", "[qmgr]") {
    Folder folder;
    House house("qmgr_message_active_limit = 5\nqmgr_journal_waiting_limit = 0\n");
    bool later = true;
    house.agent->decide = [&later](const ipc::Job&, const ipc::JobRecipient&) {
        ipc::RecipientResult result;
        if (later) result.status = "4.2.0";
        if (!later) result.outcome = ipc::Outcome::delivered;
        return result;
    };
    std::vector<spool::QueueId> ids;
    for (int i = 0; i < 60; ++i)
        ids.push_back(house.submit({"b@example" + std::to_string(i) + ".net"}));
    for (spool::QueueId id : ids)
        house.until([&] { return house.manager.find(id) == Manager::Place::deferred; });
    later = false;
    std::size_t most = 0;
    house.manager.flush_all();
    house.until([&] {
        most = std::max(most, house.manager.active_count());
        return house.agent->jobs.size() == 2 * ids.size() && house.manager.idle();
    });
    CHECK(most <= 5);
}

TEST_CASE("what is too large, or has too many recipients, is refused", "[qmgr]") {
    Folder folder;
    House house("message_size_limit = 1000\nqmgr_message_recipient_limit = 2\n");
    auto id = *spool::QueueId::parse(spool::make_queue_id());
    auto large = house.run(house.manager.accept_text(id, house.envelope({"b@example.net"}, "a@b.c"),
                                                     std::string(1001, 'x')));
    REQUIRE_FALSE(large);
    CHECK(large.error().status == "5.3.4");
    auto many = house.run(house.manager.accept_text(
        id, house.envelope({"b@x.test", "c@x.test", "d@x.test"}, "a@b.c"), "x"));
    REQUIRE_FALSE(many);
    CHECK(many.error().status == "4.5.3");
}
