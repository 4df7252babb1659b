#include "smtp-client/agent.h"

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/config/load.h"
#include "lib/event/loop.h"
#include "smtp-client/fake_server_test.h"

using namespace facteur;
using namespace facteur::smtp_client;

namespace {

/// A qmgr that a test can kill and start again.
struct Queue {
    Loop loop;
    Scope scope;
    Settings settings;
    FakeResolver resolver;
    FakeLookups lookups;
    std::unique_ptr<TlsClients> tls =
        std::make_unique<TlsClients>(TlsClientOptions(), "", nullptr, "smtp-client");
    std::unique_ptr<TlsGround> ground;
    std::unique_ptr<Security> security;
    std::unique_ptr<ConnectionCache> cache;
    std::unique_ptr<Logins> logins;
    std::unique_ptr<Outgoing> outgoing;
    Reachability reachability{100, Seconds(60)};
    DialOptions dial;
    std::unique_ptr<Surroundings> around;
    std::unique_ptr<Agent> agent;
    FakeServer server{scope};
    std::unique_ptr<ipc::Channel> channel;
    std::unique_ptr<Scope> reading;
    std::vector<ipc::AgentHello> hellos;
    std::vector<ipc::JobReport> reports;
    bool draining = false;
    bool drained = false;

    Queue() {
        conf::load_text(settings, "myhostname = me.test\n");
        Routing routing;
        routing.resolver = &resolver;
        routing.myhostname = "me.test";
        ground = std::make_unique<TlsGround>(settings);
        security = std::make_unique<Security>(*ground, lookups, resolver, scope);
        cache = std::make_unique<ConnectionCache>(scope, settings.cache_time(), 100);
        logins = std::make_unique<Logins>(settings.sasl, lookups);
        outgoing = std::make_unique<Outgoing>(settings, lookups);
        around.reset(new Surroundings{settings, Protocol::smtp, routing, lookups, *logins,
                                      *outgoing, *tls, *security, *cache, scope, reachability,
                                      dial});
        agent = std::make_unique<Agent>(*around, 100);
        start();
    }
    ~Queue() {
        scope.cancel();
        if (reading) reading->cancel();
        loop.run_until([this] { return scope.running() == 0 && agent->running() == 0; });
        if (reading) loop.run_until([this] { return reading->running() == 0; });
    }
    void start() {
        auto ends = socket_pair();
        reading = std::make_unique<Scope>();
        channel = std::make_unique<ipc::Channel>(*reading, std::move(ends->first));
        scope.spawn(agent->serve(std::move(ends->second)));
        reading->spawn(read());
        std::size_t before = hellos.size();
        loop.run_until([&] { return hellos.size() > before; });
    }
    void kill() {
        reading->cancel();
        loop.run_until([this] { return reading->running() == 0; });
        channel.reset();
    }
    Task<void> read() {
        for (;;) {
            ipc::Frame frame = co_await channel->receive();
            if (frame.name == ipc::AgentHello::kName) {
                hellos.push_back(*ipc::decode<ipc::AgentHello>(frame.body));
            } else if (frame.name == ipc::JobReport::kName) {
                reports.push_back(*ipc::decode<ipc::JobReport>(frame.body));
            } else if (frame.name == ipc::AgentDraining::kName) {
                draining = true;
            }
        }
    }
    void send_job(std::uint64_t number) {
        ipc::Job job;
        job.job = number;
        job.queue_id = "id" + std::to_string(number);
        job.sender = "from@here.test";
        job.nexthop = "[" + server.address.ip() + "]:" + std::to_string(server.address.port());
        job.size = 5;
        ipc::JobRecipient recipient;
        recipient.index = 3;
        recipient.address = "to@there.test";
        job.recipients.push_back(recipient);
        std::vector<Fd> fds;
        fds.emplace_back(::memfd_create("content", 0));
        REQUIRE(::write(fds[0].get(), "a: b\n", 5) == 5);
        channel->put(ipc::Job::kName, 0, ipc::encode(job), std::move(fds));
    }
    void settle(std::uint64_t number) {
        ipc::JobSettled settled;
        settled.jobs.push_back(number);
        channel->put(ipc::JobSettled::kName, 0, ipc::encode(settled));
        loop.run_until([this] { return agent->unsettled() == 0; });
    }
    static Task<void> drain(Queue& self) {
        co_await self.agent->drain();
        self.drained = true;
    }
};

}  // namespace

TEST_CASE_METHOD(Queue, "a job is reported, and forgotten once it is recorded", "[smtp-client]") {
    CHECK(hellos.at(0).job_limit == 100);
    CHECK(hellos.at(0).unsettled.empty());
    send_job(42);
    loop.run_until([this] { return !reports.empty(); });
    CHECK(reports[0].job == 42);
    CHECK(reports[0].queue_id == "id42");
    CHECK(reports[0].complete);
    REQUIRE(reports[0].results.size() == 1);
    CHECK(reports[0].results[0].index == 3);
    CHECK(reports[0].results[0].outcome == ipc::Outcome::delivered);
    CHECK(agent->unsettled() == 1);
    settle(42);
}

TEST_CASE_METHOD(Queue, "the successor of a dead qmgr is told what happened", "[smtp-client]") {
    send_job(42);
    loop.run_until([this] { return !reports.empty(); });
    kill();
    start();
    REQUIRE(hellos.at(1).unsettled.size() == 1);
    CHECK(hellos[1].unsettled[0].queue_id == "id42");
    CHECK(hellos[1].unsettled[0].results.size() == 1);
    CHECK(hellos[1].running.empty());
    settle(42);
    CHECK(server.contents.size() == 1);
}

TEST_CASE_METHOD(Queue, "a job that outlives its qmgr is reported to the next", "[smtp-client]") {
    server.greeting = "220-wait";
    send_job(42);
    loop.run_until([this] { return server.connections == 1; });
    kill();
    start();
    REQUIRE(hellos.at(1).running.size() == 1);
    CHECK(hellos[1].running[0].job == 42);
    CHECK(hellos[1].running[0].recipients == std::vector<std::uint32_t>{3});
    loop.run_until([this] {
        loop.advance(Seconds(301));
        return !reports.empty();
    });
    CHECK(reports[0].results.at(0).outcome == ipc::Outcome::deferred);
}

TEST_CASE_METHOD(Queue, "nothing is sent while no qmgr would hear of it", "[smtp-client]") {
    send_job(42);
    loop.run_until([this] { return agent->running() == 1; });
    kill();
    loop.run_until([this] { return agent->waiting() == 1 || agent->running() == 0; });
    CHECK(agent->waiting() == 1);
    CHECK(server.contents.empty());
    const int way = GENERATE(0, 1, 2);
    if (way == 0) start();
    if (way == 1) loop.advance(Seconds(31));
    if (way == 2) scope.spawn(drain(*this));
    loop.run_until([this] { return agent->running() == 0; });
    CHECK(server.contents.size() == 1);
    if (way != 0) start();
    settle(42);
    if (way == 2) loop.run_until([this] { return drained; });
}

TEST_CASE_METHOD(Queue, "draining waits for the last job and its record", "[smtp-client]") {
    send_job(42);
    loop.run_until([this] { return agent->running() == 1; });
    scope.spawn(drain(*this));
    loop.run_until([this] { return draining && !reports.empty(); });
    CHECK_FALSE(drained);
    settle(42);
    loop.run_until([this] { return drained; });
    CHECK(cache->size() == 0);
}
