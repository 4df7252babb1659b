#include "lib/ipc/agent_talk.h"

#include <memory>
#include <set>

#include <catch2/catch.hpp>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"
#include "lib/ipc/client.h"

using namespace facteur;

namespace {

/// A process that delivers: each of its jobs ends when the test says so.
struct AgentProcess {
    AgentProcess()
        : talk(scope, talking, 10, [this](ipc::Job job, Fd, ipc::AgentTalk::Progress) {
              return work(std::move(job));
          }) {}
    Task<ipc::JobReport> work(ipc::Job job) {
        while (!done.contains(job.queue_id))
            co_await changed.wait(scope);
        ipc::RecipientResult result;
        result.outcome = ipc::Outcome::delivered;
        result.status = "2.0.0";
        ipc::JobReport report;
        report.results.push_back(result);
        co_return report;
    }
    void finish(const std::string& queue_id) {
        done.insert(queue_id);
        changed.notify_all();
    }
    void accept(int listener) {
        Fd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd) scope.spawn(talk.serve(std::move(fd)));
    }
    Task<void> drain(std::string successor) {
        co_await talk.finish(std::move(successor));
        co_await talk.recorded(std::chrono::seconds(5), true);
        talking.cancel();
        drained = true;
    }
    Scope scope;
    Scope talking{scope};
    Signal changed;
    std::set<std::string> done;
    bool drained = false;
    ipc::AgentTalk talk;
};

/// qmgr's end: what it hears.
struct Listener {
    explicit Listener(const std::string& path) : channel(scope, ipc::connect_unix(path)) {
        scope.spawn(listen());
    }
    ~Listener() {
        scope.cancel();
        Loop::current().run_until([this] { return scope.running() == 0; });
    }
    Task<void> listen() {
        try {
            for (;;) {
                ipc::Frame frame = co_await channel.receive();
                if (frame.name == ipc::AgentHello::kName) {
                    auto hello = ipc::decode<ipc::AgentHello>(frame.body);
                    for (const ipc::RunningJob& job : hello->running)
                        running.insert(job.queue_id);
                    for (const ipc::JobReport& report : hello->unsettled)
                        reports[report.queue_id] = report;
                } else if (frame.name == ipc::JobReport::kName) {
                    auto report = ipc::decode<ipc::JobReport>(frame.body);
                    reports[report->queue_id] = *report;
                }
            }
        } catch (const Disconnect&) {
            gone = true;
        }
    }
    void give(std::uint64_t number, const std::string& queue_id) {
        ipc::Job job;
        job.job = number;
        job.queue_id = queue_id;
        job.verify = true;  // no descriptor
        channel.put(ipc::Job::kName, 0, ipc::encode(job));
    }
    void settle(std::uint64_t number) {
        ipc::JobSettled settled;
        settled.jobs.push_back(number);
        channel.put(ipc::JobSettled::kName, 0, ipc::encode(settled));
    }
    Scope scope;
    ipc::Channel channel;
    std::set<std::string> running;
    std::map<std::string, ipc::JobReport> reports;
    bool gone = false;
};

struct Handover {
    Handover() {
        REQUIRE(::mkdtemp(folder.data()));
        path = folder + "/smtp";
        listener = *ipc::listen_unix(path);
    }
    ~Handover() {
        outer.cancel();
        for (AgentProcess* agent : {&first, &second, &third}) {
            agent->talking.cancel();
            agent->scope.cancel();
        }
        loop.run_until([&] {
            return outer.running() == 0 && first.scope.running() == 0 &&
                   second.scope.running() == 0 && third.scope.running() == 0;
        });
        ::unlink(path.c_str());
        ::rmdir(folder.c_str());
    }
    template <class C>
    void until(C condition) {
        loop.run_until(condition);
    }
    /// Connections go to this process from now on.
    void listens(AgentProcess& agent) { outer.spawn(accept_for(agent)); }
    Task<void> accept_for(AgentProcess& agent) {
        current = &agent;
        while (current == &agent) {
            agent.accept(listener.get());
            co_await Sleep(outer, Milliseconds(1));
        }
    }

    Loop loop;
    std::string folder = "/tmp/facteur-talk-XXXXXX";
    std::string path;
    Fd listener;
    AgentProcess* current = nullptr;
    Scope outer;
    AgentProcess first, second, third;
};

}  // namespace

TEST_CASE_METHOD(Handover, "what a draining agent has begun is told by its successors", "[ipc]") {
    listens(first);
    Listener old_qmgr(path);
    old_qmgr.give(1, "A");
    old_qmgr.give(2, "B");
    until([&] { return first.talk.running() == 2; });
    first.finish("B");  // known to qmgr, and not recorded
    until([&] { return old_qmgr.reports.contains("B"); });

    listens(second);
    first.scope.spawn(first.drain(path));
    until([&] { return second.talk.running() == 1 && old_qmgr.gone; });
    Listener qmgr(path);
    until([&] { return qmgr.running.contains("A") && qmgr.reports.contains("B"); });
    CHECK(qmgr.reports["B"].complete);
    qmgr.settle(2);
    until([&] { return first.talk.unsettled() == 0 && second.talk.unsettled() == 0; });

    // And once more, while it is still at it.
    listens(third);
    second.scope.spawn(second.drain(path));
    until([&] { return third.talk.running() == 1 && qmgr.gone; });
    Listener last_qmgr(path);
    until([&] { return last_qmgr.running.contains("A"); });
    first.finish("A");
    until([&] { return last_qmgr.reports.contains("A"); });
    CHECK(last_qmgr.reports["A"].complete);
    CHECK(last_qmgr.reports["A"].results.size() == 1);
    CHECK_FALSE(first.drained);
    last_qmgr.settle(1);
    until([&] { return first.drained && second.drained; });
    CHECK(third.talk.unsettled() == 0);
    CHECK(third.talk.running() == 0);
}

TEST_CASE_METHOD(Handover, "a qmgr that is there already hears of a predecessor's jobs", "[ipc]") {
    listens(first);
    Listener old_qmgr(path);
    old_qmgr.give(1, "A");
    until([&] { return first.talk.running() == 1; });
    listens(second);
    Listener qmgr(path);
    until([&] { return second.talk.has_qmgr(); });
    CHECK(qmgr.running.empty());
    first.scope.spawn(first.drain(path));
    until([&] { return qmgr.running.contains("A"); });
    CHECK(second.talk.has_qmgr());

    // It dies: the job is over, and nothing was said of its recipients.
    first.talking.cancel();
    until([&] { return qmgr.reports.contains("A"); });
    CHECK(qmgr.reports["A"].complete);
    CHECK(qmgr.reports["A"].results.empty());
    qmgr.settle(1);
    until([&] { return second.talk.unsettled() == 0; });
}

TEST_CASE_METHOD(Handover, "without a successor a draining agent reports itself", "[ipc]") {
    listens(first);
    Listener qmgr(path);
    qmgr.give(1, "A");
    until([&] { return first.talk.running() == 1; });
    current = nullptr;
    first.scope.spawn(first.drain(path));
    first.finish("A");
    until([&] { return qmgr.reports.contains("A"); });
    qmgr.settle(1);
    until([&] { return first.drained; });
}
