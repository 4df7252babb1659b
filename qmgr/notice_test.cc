#include "qmgr/notice.h"

#include <fstream>

#include <catch2/catch.hpp>

#include "qmgr/explanation.h"
#include "qmgr/house.h"

using namespace facteur;
using namespace facteur::qmgr;

namespace {

ipc::RecipientResult result_of(ipc::Outcome outcome, std::string status) {
    ipc::RecipientResult result;
    result.outcome = outcome;
    result.status = status;
    result.text = "in the peer's words";
    return result;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a permanent failure is returned to the sender as RFC 3464 wants it", "[qmgr]") {
    Folder folder;
    House house;
    spool::QueueId id = house.submit({"b@error.test"});
    house.until([&] { return house.agent->jobs.size() == 1 && house.manager.idle(); });
    CHECK(house.gone(id));
    const std::string& bounce = house.agent->contents[0];
    CHECK(house.agent->jobs[0].sender.empty());
    CHECK(house.agent->jobs[0].recipients[0].address == "a@example.org");
    for (const char* part :
         {"Content-Type: multipart/report; report-type=delivery-status",
          "Reporting-MTA: dns; mx.example.org\r\n", "Final-Recipient: rfc822; b@error.test\r\n",
          "Action: failed\r\n", "Status: 5.1.1\r\n", "User unknown",
          "Content-Type: message/rfc822\r\n\r\nSubject: hi\r\n\r\nHello\r\n"}) {
        INFO(part);
        CHECK(bounce.find(part) != std::string::npos);
    }
}

TEST_CASE("who is told of what", "[qmgr]") {
    auto [main_cf, sender, to, notify, expected] =
        GENERATE(table<std::string, std::string, std::string, int, std::string>({
            {"", "", "b@error.test", 0, ""},  // the null sender never
            {"notify_classes = 2bounce\n", "", "b@error.test", 0, "postmaster"},
            {"notify_classes = 2bounce\n", "double-bounce@mx.example.org", "b@error.test", 0, ""},
            {"", "a@example.org", "b@error.test", spool::notify_never, ""},
            {"", "a@example.org", "b@error.test", spool::notify_success, ""},
            {"", "a@example.org", "b@error.test", spool::notify_failure, "a@example.org"},
            {"", "a@example.org", "b@discard.test", 0, ""},
            {"", "a@example.org", "b@discard.test", spool::notify_success, "a@example.org"},
        }));
    INFO(main_cf << sender << " " << to << " " << notify);
    Folder folder;
    House house(main_cf);
    house.notify = static_cast<std::uint8_t>(notify);
    spool::QueueId id = house.submit({to}, sender);
    house.until([&] { return house.gone(id) && house.manager.idle(); });
    if (expected.empty()) {
        CHECK(house.agent->jobs.empty());
    } else {
        REQUIRE(house.agent->jobs.size() == 1);
        CHECK(house.agent->jobs[0].recipients[0].address == expected);
    }
}

TEST_CASE("what a success notice says of each fate [RFC 3464 2.3.3]", "[qmgr]") {
    auto [to, dsn_passed_on, handed_on, outcome, expected] =
        GENERATE(table<std::string, bool, bool, ipc::Outcome, std::string>({
            {"b@x.test", false, false, ipc::Outcome::delivered, "Action: delivered"},
            {"b@x.test", false, true, ipc::Outcome::delivered, "Action: relayed"},
            {"b@x.test", true, false, ipc::Outcome::delivered, ""},
            {"b@x.test", false, false, ipc::Outcome::expanded, "Action: expanded"},
            {"alias@x.test", false, false, ipc::Outcome::delivered, "Action: expanded"},
        }));
    INFO(to << " " << expected);
    Folder folder;
    House house;
    house.notify = spool::notify_success | spool::notify_failure;
    house.agent->decide = [&, passed = dsn_passed_on, handed = handed_on, what = outcome](
                              const ipc::Job&, const ipc::JobRecipient&) {
        ipc::RecipientResult result = result_of(what, "2.0.0");
        result.dsn_passed_on = passed;
        result.handed_on = handed;
        return result;
    };
    spool::QueueId id = house.submit({to});
    house.until([&] { return house.gone(id) && house.manager.idle(); });
    std::vector<std::string> notices;
    for (std::size_t i = 0; i < house.agent->jobs.size(); ++i) {
        if (house.agent->jobs[i].sender.empty()) notices.push_back(house.agent->contents[i]);
    }
    REQUIRE(notices.size() == (expected.empty() ? 0 : 1));
    if (!notices.empty()) CHECK(has(notices[0], expected + "\r\n"));
    if (!to.starts_with("alias")) return;
    // The members report failures, and success no more (RFC 3461 section 5.2.7.4).
    for (const ipc::JobRecipient& member : house.agent->jobs[0].recipients) {
        CHECK(member.notify == spool::notify_failure);
        CHECK(member.orcpt == "rfc822;alias@x.test");
    }
}

TEST_CASE("a notice that was made before a crash is not made again", "[qmgr]") {
    Folder folder;
    spool::QueueId id;
    {
        House house("", false);
        house.files.left = 5;  // all but the last: the message, its fate, the notice, its end
        id = house.submit({"b@error.test"});
        house.until([&] { return house.files.full.load(); });
    }
    House again;
    again.until([&] { return again.gone(id) && again.manager.idle(); });
    REQUIRE(again.agent->jobs.size() == 1);
    CHECK(again.agent->jobs[0].sender.empty());
}

TEST_CASE("a notice that finds no room is made when there is room", "[qmgr]") {
    Folder folder;
    House house("message_size_limit = 700\nminimal_backoff_time = 1s\n");
    spool::QueueId id = house.submit({"b@error.test"});
    until_tried(house, id, 1);
    CHECK(house.agent->jobs.empty());
    CHECK(look(house, id)->story.progress[0].fate == spool::Fate::failed);
    conf::load_text(house.settings, "message_size_limit = 100000\nmyhostname = mx.example.org\n");
    house.manager.flush_all();
    house.until([&] { return house.gone(id) && house.manager.idle(); });
    CHECK(house.agent->jobs.size() == 1);
}

TEST_CASE("the postmaster gets copies when notify_classes wants them", "[qmgr]") {
    Folder folder;
    House house("notify_classes = bounce\nbounce_notice_recipient = watch@example.org\n");
    spool::QueueId id = house.submit({"b@error.test"});
    house.until([&] { return house.agent->jobs.size() == 2 && house.gone(id); });
    const bool first = house.agent->jobs[0].recipients[0].address == "watch@example.org";
    const std::size_t copy = first ? 0 : 1;
    CHECK(house.agent->jobs[copy].sender == "double-bounce@mx.example.org");
    CHECK(has(house.agent->contents[copy], "Subject: Postmaster Copy: Undelivered Mail\r\n"));
    CHECK(has(house.agent->contents[copy], "Content-Type: text/rfc822-headers\r\n"));
    CHECK(house.agent->jobs[1 - copy].recipients[0].address == "a@example.org");
}

TEST_CASE("a notice answers the message, in words of one's own", "[qmgr]") {
    Folder folder;
    std::ofstream("words.cf") << "failure_template = <<END\nCharset: utf-8\n"
                                 "From: Courrier <postier@$myhostname>\nSubject: Perdu\n\n"
                                 "Ici $myhostname, $$5, $delay_warning_time_minutes.\nEND\n";
    House house("bounce_template_file = words.cf\ndelay_warning_time = 2h\n");
    house.submit({"b@error.test"}, "a@example.org", "Message-ID: <1@a.test>\r\n\r\nx\r\n");
    house.until([&] { return house.agent->jobs.size() == 1; });
    const std::string& text = house.agent->contents[0];
    for (const char* part :
         {"Subject: Perdu\r\n", "In-Reply-To: <1@a.test>\r\n", "References: <1@a.test>\r\n",
          "charset=utf-8\r\n", "Ici mx.example.org, $5, 120.\r\n"}) {
        INFO(part);
        CHECK(has(text, part));
    }
}

TEST_CASE("what needs SMTPUTF8 is told in the types of RFC 6533", "[qmgr]") {
    Folder folder;
    House house;
    auto id = *spool::QueueId::parse(spool::make_queue_id());
    spool::Envelope envelope = house.envelope({"bö@error.test"}, "ä@example.org");
    envelope.smtputf8 = true;
    REQUIRE(house.run(house.manager.accept_text(id, envelope, "Subject: x\r\n\r\nb\r\n")));
    house.until([&] { return house.agent->jobs.size() == 1; });
    CHECK(house.agent->jobs[0].smtputf8);
    for (const char* part :
         {"message/global-delivery-status", "utf-8; bö@error.test", "message/global\r\n"}) {
        CHECK(has(house.agent->contents[0], part));
    }
}

TEST_CASE("templates of bounce(5)", "[qmgr]") {
    auto [file, good] = GENERATE(table<std::string, bool>({
        {"", true},
        {"# words\n\nfailure_template = <<EOF\nSubject: a\n\ntext\nEOF\n", true},
        {"failure_template = <<EOF\nSubject: a\n\ntext\n", false},
        {"failure_template = <<EOF\n\ntext\nEOF\n", false},
        {"other_template = <<EOF\nSubject: a\n\ntext\nEOF\n", false},
        {"failure_template = <<EOF\nColour: red\n\nEOF\n", false},
        {"failure_template\n", false},
    }));
    INFO(file);
    Templates templates;
    CHECK(parse_templates(file, templates).has_value() == good);
}

TEST_CASE("every status has an explanation", "[qmgr]") {
    CHECK(has(std::string(explanation("5.1.1")), "no such mailbox"));
    CHECK(has(std::string(explanation("5.1.10")), "no mail at all"));
    CHECK(has(std::string(explanation("4.4.999")), "could not be reached"));
    for (const char* status : {"", "4", "5", "5.", "5.0.0", "x"})
        CHECK_FALSE(explanation(status).empty());
}
