#pragma once

#include <atomic>
#include <cstdlib>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/config/load.h"
#include "lib/event/sleep.h"
#include "qmgr/fake_agent.h"
#include "qmgr/manager.h"

/// For tests: the queue with everything around it but the processes.
namespace facteur::qmgr {

struct Folder {
    Folder() {
        REQUIRE(::mkdtemp(path.data()));
        REQUIRE(::chdir(path.c_str()) == 0);
        ::mkdir("private", 0700);
    }
    ~Folder() {
        (void)::chdir("/");
        (void)std::system(("rm -rf " + path).c_str());
    }
    std::string path = "/tmp/facteur-qmgr-XXXXXX";
};

inline ipc::Destination way(std::string recipient, std::string transport, std::string nexthop) {
    ipc::Destination to;
    to.recipient = std::move(recipient);
    to.transport = std::move(transport);
    to.nexthop = std::move(nexthop);
    return to;
}

/// "user@domain" goes to smtp:domain; alias@ has members, some domains are special.
inline Task<Result<ipc::Resolution>> resolve(ipc::Resolve question) {
    ipc::Resolution answer;
    answer.sender = question.sender;
    for (const std::string& address : question.recipients) {
        ipc::Resolved resolved;
        resolved.original = address;
        std::string domain = address.substr(address.find('@') + 1);
        ipc::Destination to = way(address, "smtp", domain);
        if (domain == "error.test") to = way(address, "error", "5.1.1 User unknown");
        if (domain == "retry.test") to = way(address, "retry", "4.2.1 Later");
        if (domain == "discard.test") to = way(address, "discard", "gone");
        if (domain == "fail.test") {
            resolved.status = "4.3.0";
            resolved.text = "table failed";
        } else if (address.starts_with("alias@") && !question.expanded) {
            resolved.destinations.push_back(way("one@" + domain, "smtp", domain));
            resolved.destinations.push_back(way("two@" + domain, "smtp", domain));
            resolved.destinations.push_back(way("one@" + domain, "smtp", domain));
        } else {
            resolved.destinations.push_back(to);
        }
        answer.recipients.push_back(resolved);
    }
    co_return answer;
}

/// A disk that takes so many writes and is full then.
class FullFiles : public spool::Files {
public:
    Result<void> write(int fd, std::string_view bytes, std::uint64_t offset) override {
        if (left > 0 && --left == 0) full = true;
        if (full) return temporary("no space", "4.3.1");
        return Files::write(fd, bytes, offset);
    }
    std::atomic<int> left = 0;  ///< 0: for ever
    std::atomic<bool> full = false;
};

/// A qmgr without its process.
class House {
public:
    explicit House(const std::string& main_cf = "", bool with_agent = true)
        : workers(2), manager(configured(main_cf), workers, scope, files, resolve) {
        if (with_agent) agent = std::make_unique<FakeAgent>(scope, "private/smtp");
        REQUIRE(manager.open());
        manager.start();
    }
    ~House() {
        bool done = false;
        Scope outer;
        outer.spawn(close(done));
        loop.run_until([&] { return done && outer.running() == 0; });
    }
    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        scope.spawn(into(result, std::move(task)));
        loop.run_until([&] { return result.has_value(); });
        return *std::move(result);
    }
    spool::QueueId submit(std::vector<std::string> to, std::string sender = "a@example.org",
                          std::string content = "Subject: hi\r\n\r\nHello\r\n") {
        auto id = *spool::QueueId::parse(spool::make_queue_id());
        REQUIRE(run(manager.accept_text(id, envelope(to, sender), content)));
        return id;
    }
    spool::Envelope envelope(const std::vector<std::string>& to, const std::string& sender) {
        spool::Envelope envelope;
        envelope.sender = sender;
        envelope.arrival = arrival;
        for (const std::string& address : to) {
            spool::Recipient recipient;
            recipient.address = address;
            recipient.notify = notify;
            envelope.recipients.push_back(recipient);
        }
        envelope.filter = filter;
        return envelope;
    }
    void until(const std::function<bool()>& condition) { loop.run_until(condition); }
    bool gone(spool::QueueId id) { return manager.find(id) == Manager::Place::nowhere; }
    void until_idle() {
        until([&] { return manager.idle(); });
    }

    Settings settings;
    Loop loop;
    WorkerPool workers;
    FullFiles files;
    Scope scope;
    Manager manager;
    std::unique_ptr<FakeAgent> agent;
    std::int64_t arrival =
        std::chrono::system_clock::now().time_since_epoch() / std::chrono::microseconds(1);
    std::uint8_t notify = 0;
    std::string filter;

private:
    Settings& configured(const std::string& main_cf) {
        conf::load_text(settings,
                        "myhostname = mx.example.org\nqueue_journal_segment_size = 1m\n"
                        "queue_takeover_delay = 0\n" +
                            main_cf);
        return settings;
    }
    template <class T>
    static Task<void> into(std::optional<T>& result, Task<T> task) {
        result.emplace(co_await task);
    }
    Task<void> close(bool& done) {
        co_await manager.stop();
        if (agent) agent->die();
        scope.cancel();
        co_await scope.join();
        agent.reset();
        done = true;
    }
};

inline Result<Manager::View> look(House& house, spool::QueueId id) {
    return house.run(house.manager.look(id));
}

inline Task<int> pause(Scope& scope) {
    co_await Sleep(scope, Milliseconds(2));
    co_return 0;
}

inline void until_tried(House& house, spool::QueueId id, std::uint32_t attempts) {
    for (;;) {
        auto view = look(house, id);
        if (view && view->story.attempts >= attempts) return;
        house.run(pause(house.scope));
    }
}

}  // namespace facteur::qmgr
