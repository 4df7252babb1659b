#include "lmtp-local/agent.h"

#include <sys/stat.h>

#include "lib/spool/delays.h"
#include "lmtp-local/fake_house.h"

namespace facteur::lmtp_local {
namespace {

const std::string kText = "Subject: one\r\n\r\nHello\r\n";

/// qmgr's end of the talk: keeps what the agent says.
class FakeQmgr {
public:
    FakeQmgr(FakeHouse& house, Agent& agent) : house_(house), scope_(house.scope) {
        int pair[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
        socket_ = pair[0];
        channel_ = std::make_unique<ipc::Channel>(scope_, Fd(pair[0]));
        scope_.spawn(agent.serve(Fd(pair[1])));
        scope_.spawn(listen());
        house_.until([this] { return greeted; });
    }
    ~FakeQmgr() {
        ::shutdown(socket_, SHUT_RDWR);  // both ends hear of it
        house_.until([this] { return scope_.running() == 0; });
    }
    std::uint64_t give(std::vector<ipc::JobRecipient> recipients,
                       const std::string& id = "25X0XRG6MF401113") {
        ipc::Job job;
        job.job = ++last_;
        job.queue_id = id;
        job.sender = "a@example.org";
        job.recipients = std::move(recipients);
        job.size = kText.size();
        job.arrival = arrival;
        std::vector<Fd> fds;
        fds.push_back(FakeHouse::memory_file(kText));
        channel_->put(ipc::Job::kName, 0, ipc::encode(job), std::move(fds));
        return job.job;
    }
    void probe(std::vector<ipc::JobRecipient> recipients) {
        ipc::Job job;
        job.job = ++last_;
        job.queue_id = "25X0XRG6MF401113";
        job.verify = true;
        job.recipients = std::move(recipients);
        channel_->put(ipc::Job::kName, 0, ipc::encode(job));
    }
    void settle(std::uint64_t job) {
        ipc::JobSettled settled;
        settled.jobs.push_back(job);
        channel_->put(ipc::JobSettled::kName, 0, ipc::encode(settled));
    }
    std::int64_t arrival = spool::wall_clock() + 3600'000'000LL;  ///< surely not delivered before
    bool greeted = false;
    bool draining = false;
    ipc::AgentHello hello;
    std::vector<ipc::JobReport> reports;
    std::vector<std::uint64_t> flushed;

private:
    Task<void> listen() {
        for (;;) {
            ipc::Frame frame = co_await channel_->receive();
            if (frame.name == ipc::AgentHello::kName) {
                hello = *ipc::decode<ipc::AgentHello>(frame.body);
                greeted = true;
            } else if (frame.name == ipc::JobReport::kName) {
                reports.push_back(*ipc::decode<ipc::JobReport>(frame.body));
            } else if (frame.name == ipc::JobsFlushed::kName) {
                auto told = ipc::decode<ipc::JobsFlushed>(frame.body);
                flushed.insert(flushed.end(), told->jobs.begin(), told->jobs.end());
            } else if (frame.name == ipc::AgentDraining::kName) {
                draining = true;
            }
        }
    }
    FakeHouse& house_;
    std::uint64_t last_ = 0;
    int socket_ = -1;  ///< channel_'s
    std::unique_ptr<ipc::Channel> channel_;
    Scope scope_;
};

struct Fixture : FakeHouse {
    Fixture() {
        add_user("tim@example.test");
        flusher.scope().spawn(flusher.run());
    }
    ~Fixture() {
        flusher.scope().cancel();
        until([this] { return flusher.scope().running() == 0; });
    }
    static ipc::JobRecipient tim() { return recipient("tim@example.test"); }
    void break_disk() {
        struct stat found {};
        REQUIRE(::stat(path().c_str(), &found) == 0);
        auto user = fake_user(found.st_dev, disk);
        disk->error = Error{Error::Kind::temporary, "4.3.0", "flush: Input/output error"};
        flusher.touched(user);
    }

    FakeLetterbox* disk = nullptr;
    Flusher flusher{Milliseconds(10), 100,
                    [this](const std::vector<Flusher::Job>& jobs, const Result<void>& result) {
                        agent.flushed(jobs, result);
                    }};
    Hands hands{scope, Broker::start(std::nullopt), 10};
    Deliverer deliverer{scope, workers, settings, flusher, hands};
    Scope sessions;
    Agent agent{scope, sessions, Agent::Kind::virtual_users, deliverer, flusher, 100};
};

TEST_CASE_METHOD(Fixture, "a job is written, then flushed, then forgotten", "[lmtp-local]") {
    FakeQmgr qmgr(*this, agent);
    CHECK(qmgr.hello.job_limit == 100);
    std::uint64_t job = qmgr.give({tim(), recipient("nobody@example.test", 1)});
    until([&] { return qmgr.flushed.size() == 1; });
    REQUIRE(qmgr.reports.size() == 1);
    const ipc::JobReport& report = qmgr.reports[0];
    CHECK(report.complete);
    REQUIRE(report.results.size() == 2);
    CHECK(report.results[0].outcome == ipc::Outcome::written);
    CHECK(report.results[1].outcome == ipc::Outcome::failed);
    CHECK(report.results[1].status == "5.1.1");
    REQUIRE(messages("tim@example.test").size() == 1);
    CHECK(messages("tim@example.test")[0] ==
          "Return-Path: <a@example.org>\r\nX-Original-To: tim@example.test\r\n"
          "Delivered-To: tim@example.test\r\n" +
              kText);
    CHECK(agent.unsettled() == 1);
    qmgr.settle(job);
    until([&] { return agent.unsettled() == 0; });
}

TEST_CASE_METHOD(Fixture, "a probe finds out who exists and delivers nothing", "[lmtp-local]") {
    FakeQmgr qmgr(*this, agent);
    qmgr.probe({tim(), recipient("nobody@example.test", 1)});
    until([&] { return qmgr.reports.size() == 1; });
    const ipc::JobReport& report = qmgr.reports[0];
    REQUIRE(report.results.size() == 2);
    CHECK(report.results[0].outcome == ipc::Outcome::delivered);
    CHECK(report.results[0].text == "delivers to mailbox");
    CHECK(report.results[1].outcome == ipc::Outcome::failed);
    CHECK(report.results[1].status == "5.1.1");
    CHECK(messages("tim@example.test").empty());
}

TEST_CASE_METHOD(Fixture, "a new qmgr hears what the old one did not record", "[lmtp-local]") {
    {
        FakeQmgr qmgr(*this, agent);
        qmgr.give({tim()});
        until([&] { return qmgr.flushed.size() == 1; });
    }
    FakeQmgr successor(*this, agent);
    REQUIRE(successor.hello.unsettled.size() == 1);
    CHECK(successor.hello.unsettled[0].results.at(0).outcome == ipc::Outcome::written);
}

TEST_CASE_METHOD(Fixture, "when the flush fails, qmgr repeats and the message is there once",
                 "[lmtp-local]") {
    FakeQmgr qmgr(*this, agent);
    break_disk();
    qmgr.give({tim(), recipient("nobody@example.test", 1)});
    until([&] { return qmgr.reports.size() == 2; });
    CHECK(qmgr.flushed.empty());
    const ipc::JobReport& taken_back = qmgr.reports[1];
    CHECK(taken_back.job == qmgr.reports[0].job);
    CHECK(taken_back.results[0].outcome == ipc::Outcome::deferred);
    CHECK(taken_back.results[0].text == "flush: Input/output error");
    CHECK(taken_back.results[1].outcome == ipc::Outcome::failed);
    // What is repeated finds the first copy, which is only in memory, and takes its place.
    auto name = std::filesystem::directory_iterator(home("tim@example.test") + "/Maildir/new");
    const std::string file = name->path();
    struct stat before {};
    REQUIRE(::stat(file.c_str(), &before) == 0);
    qmgr.arrival = flusher.failed_at() + 9'999'999;
    qmgr.give({tim()});
    until([&] { return qmgr.flushed.size() == 1; });
    CHECK(messages("tim@example.test").size() == 1);
    struct stat after {};
    REQUIRE(::stat(file.c_str(), &after) == 0);
    CHECK(after.st_ino != before.st_ino);
}

TEST_CASE_METHOD(Fixture, "a successor of qmgr hears of a failed flush, too", "[lmtp-local]") {
    break_disk();
    {
        FakeQmgr qmgr(*this, agent);
        qmgr.give({tim()});
        until([&] { return qmgr.reports.size() == 1; });
    }
    until([&] { return flusher.waiting() == 0; });
    FakeQmgr successor(*this, agent);
    REQUIRE(successor.hello.unsettled.size() == 1);
    CHECK(successor.hello.unsettled[0].results.at(0).outcome == ipc::Outcome::deferred);
}

TEST_CASE_METHOD(Fixture, "draining ends when all is flushed and recorded", "[lmtp-local]") {
    FakeQmgr qmgr(*this, agent);
    std::uint64_t job = qmgr.give({tim()});
    until([&] { return agent.running() == 1; });
    Scope draining;
    draining.spawn(agent.drain());
    until([&] { return qmgr.flushed.size() == 1; });
    CHECK(qmgr.draining);
    CHECK(draining.running() == 1);
    qmgr.settle(job);
    until([&] { return draining.running() == 0; });
}

}  // namespace
}  // namespace facteur::lmtp_local
