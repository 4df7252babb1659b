// The reports that sendmail(1) -v and -bv ask for, and other news that are good.
#include <catch2/catch.hpp>

#include "qmgr/house.h"

using namespace facteur;
using namespace facteur::qmgr;

namespace {

spool::QueueId submit(House& house, spool::Envelope envelope) {
    auto id = *spool::QueueId::parse(spool::make_queue_id());
    std::string content = "Message-Id: <1@a>\r\nSubject: hi\r\n\r\nx\r\n";
    REQUIRE(house.run(house.manager.accept_text(id, std::move(envelope), std::move(content))));
    return id;
}

std::vector<std::string> notices(const House& house) {
    std::vector<std::string> found;
    std::size_t contents = 0;
    for (const ipc::Job& job : house.agent->jobs) {
        if (job.verify) continue;
        const std::string& content = house.agent->contents[contents++];
        if (job.sender.empty()) found.push_back(content);
    }
    return found;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// "bad…" fails, "late…" is deferred.
ipc::RecipientResult by_name(const ipc::Job&, const ipc::JobRecipient& recipient) {
    ipc::RecipientResult result;
    result.outcome = ipc::Outcome::delivered;
    result.status = "2.1.5";
    if (recipient.address.starts_with("bad")) {
        result.outcome = ipc::Outcome::failed;
        result.status = "5.1.1";
    } else if (recipient.address.starts_with("late")) {
        result.outcome = ipc::Outcome::deferred;
        result.status = "4.4.1";
    }
    return result;
}

}  // namespace

TEST_CASE("-bv delivers nothing and reports how far mail would come", "[qmgr]") {
    Folder folder;
    House house;
    house.agent->decide = by_name;
    spool::Envelope envelope = house.envelope(
        {"b@x.test", "bad@x.test", "late@x.test", "alias@x.test", "c@error.test"}, "a@example.org");
    envelope.report = spool::Report::verify;
    spool::QueueId id = submit(house, envelope);
    house.until([&] { return house.gone(id) && house.manager.idle(); });
    for (const ipc::Job& job : house.agent->jobs)
        CHECK(job.verify == (job.queue_id == id.text()));
    REQUIRE(notices(house).size() == 1);
    const std::string report = notices(house)[0];
    CHECK(has(report, "Subject: Mail Delivery Status Report\r\n"));
    CHECK(has(report, "Final-Recipient: rfc822; b@x.test\r\nAction: deliverable\r\n"));
    CHECK(has(report, "Final-Recipient: rfc822; bad@x.test\r\nAction: undeliverable\r\n"));
    CHECK(has(report, "Final-Recipient: rfc822; late@x.test\r\nAction: undeliverable\r\n"));
    CHECK(has(report, "Final-Recipient: rfc822; one@x.test\r\nAction: deliverable\r\n"));
    CHECK(has(report, "Final-Recipient: rfc822; c@error.test\r\nAction: undeliverable\r\n"));
    CHECK_FALSE(has(report, "Final-Recipient: rfc822; alias@x.test"));
}

TEST_CASE("-v reports the first attempt, once, and delivers", "[qmgr]") {
    Folder folder;
    House house("minimal_backoff_time = 1s\nmaximal_backoff_time = 1s\n");
    house.agent->decide = by_name;
    spool::Envelope envelope = house.envelope({"b@x.test", "late@x.test"}, "a@example.org");
    envelope.report = spool::Report::attempt;
    spool::QueueId id = submit(house, envelope);
    until_tried(house, id, 2);
    REQUIRE(notices(house).size() == 1);
    CHECK(has(notices(house)[0], "Action: delivered\r\n"));
    CHECK(has(notices(house)[0], "Action: delayed\r\n"));
    CHECK(has(notices(house)[0], "In-Reply-To: <1@a>\r\n"));
    house.agent->decide = nullptr;
    house.manager.flush_all();
    house.until([&] { return house.gone(id) && house.manager.idle(); });
    CHECK(notices(house).size() == 1);
}

TEST_CASE("nobody is there to report to", "[qmgr]") {
    Folder folder;
    House house;
    spool::Envelope envelope = house.envelope({"b@x.test"}, "");
    envelope.report = spool::Report::verify;
    spool::QueueId id = submit(house, envelope);
    house.until([&] { return house.gone(id) && house.manager.idle(); });
    CHECK(house.agent->jobs.size() == 1);
}

TEST_CASE("confirm_delay_cleared tells when what was late has arrived", "[qmgr]") {
    auto [wanted, notify, expected] = GENERATE(table<std::string, int, std::size_t>({
        {"yes", 0, 2U},
        {"no", 0, 1U},
        {"yes", spool::notify_never, 0U},
    }));
    INFO(wanted << " " << notify);
    Folder folder;
    House house("delay_warning_time = 1h\nconfirm_delay_cleared = " + wanted + "\n");
    house.agent->decide = by_name;
    house.notify = static_cast<std::uint8_t>(notify);
    house.arrival -= std::int64_t{7200} * 1000000;
    spool::QueueId id = submit(house, house.envelope({"late@x.test"}, "a@example.org"));
    until_tried(house, id, 1);
    house.agent->decide = nullptr;
    house.manager.flush_all();
    house.until([&] { return house.gone(id) && house.manager.idle(); });
    REQUIRE(notices(house).size() == expected);
    if (expected == 2) CHECK(has(notices(house)[1], "Action: delivered\r\n"));
}

TEST_CASE("nothing goes by transports that are put off", "[qmgr]") {
    Folder folder;
    House house("defer_transports = lmtp, smtp\n");
    spool::QueueId id = house.submit({"b@x.test"});
    until_tried(house, id, 1);
    auto view = look(house, id);
    REQUIRE(view);
    CHECK(view->story.progress[0].status == "4.3.2");
    CHECK(view->story.progress[0].text == "deferred transport");
    CHECK(house.agent->jobs.empty());
}
