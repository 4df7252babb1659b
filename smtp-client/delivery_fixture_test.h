#pragma once

// Unit tests only: a delivery without qmgr, to servers that play their part.

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/config/load.h"
#include "lib/event/loop.h"
#include "smtp-client/delivery.h"
#include "smtp-client/fake_server_test.h"

namespace facteur::smtp_client {

struct Client {
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
    std::string text = "Subject: x\r\n\r\n.dot\r\nline\r\n";
    ipc::Job job;
    int busy = 0;
    ipc::JobReport report;

    Client() {
        configure("");
        job.queue_id = "3aBcDeFgHi";
        job.sender = "from@here.test";
        to({"one@there.test"});
    }
    ~Client() {
        scope.cancel();
        loop.run_until([this] { return scope.running() == 0; });
    }
    void configure(const std::string& main_cf, Protocol protocol = Protocol::smtp) {
        auto problems = conf::load_text(settings, "myhostname = me.test\n" + main_cf);
        for (const auto& problem : problems)
            FAIL(problem.text);
        Routing routing;
        routing.resolver = &resolver;
        routing.myhostname = "me.test";
        ground = std::make_unique<TlsGround>(settings);
        security = std::make_unique<Security>(*ground, lookups, resolver, scope);
        cache = std::make_unique<ConnectionCache>(scope, settings.cache_time(), 100);
        logins = std::make_unique<Logins>(settings.sasl, lookups);
        outgoing = std::make_unique<Outgoing>(settings, lookups);
        around.reset(new Surroundings{settings, protocol, routing, lookups, *logins, *outgoing,
                                      *tls, *security, *cache, scope, reachability, dial});
    }
    void to(const std::vector<std::string>& addresses) {
        job.recipients.clear();
        for (const std::string& address : addresses) {
            ipc::JobRecipient recipient;
            recipient.index = static_cast<std::uint32_t>(job.recipients.size()) + 7;
            recipient.address = address;
            job.recipients.push_back(recipient);
        }
    }
    static Task<void> go(Client& self, Fd content, ipc::Job one) {
        Delivery delivery(*self.around, std::move(one), std::move(content), nullptr);
        self.report = co_await delivery.run();
        --self.busy;
    }
    void start(const std::string& nexthop) {
        Fd content(::memfd_create("content", 0));
        std::string prefix = "12345";
        std::string all = prefix + text;
        REQUIRE(::write(content.get(), all.data(), all.size()) == static_cast<ssize_t>(all.size()));
        job.nexthop = nexthop;
        job.offset = prefix.size();
        job.size = text.size();
        ++busy;
        scope.spawn(go(*this, std::move(content), job));
    }
    const ipc::RecipientResult& run(const std::string& nexthop) {
        start(nexthop);
        loop.run_until([this] { return busy == 0; });
        REQUIRE(report.complete);
        REQUIRE(report.results.size() == job.recipients.size());
        return report.results[0];
    }
    static std::string hop(const FakeServer& server) {
        return "[" + server.address.ip() + "]:" + std::to_string(server.address.port());
    }
};

}  // namespace facteur::smtp_client
