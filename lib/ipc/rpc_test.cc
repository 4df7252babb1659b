#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/event/errors.h"
#include "lib/event/sleep.h"
#include "lib/ipc/client.h"
#include "lib/ipc/server.h"

using namespace facteur;
using namespace std::chrono_literals;

namespace {

struct Echo {
    std::string text;
    using Reply = Echo;
    static constexpr std::string_view kName = "echo";
    static constexpr auto fields() {
        using M = Echo;
        return std::tuple{ipc::Field{"text", &M::text}};
    }
};

/// A daemon in miniature: a listening socket, one ipc::Server, an accept loop.
class EchoDaemon {
public:
    explicit EchoDaemon(const std::string& path) : listener_(*ipc::listen_unix(path)) {
        server_.on<Echo>([this](ipc::Packet<Echo> packet, const ipc::Peer& peer) {
            return echo(std::move(packet), peer);
        });
        scope_.spawn(accept());
    }
    Task<Result<ipc::Packet<Echo>>> echo(ipc::Packet<Echo> packet, const ipc::Peer& peer) {
        ++asked;
        if (peer.uid != ::getuid()) co_return temporary("who are you");
        if (packet.message.text == "refuse") co_return permanent("no", "5.7.1");
        if (packet.message.text == "hang") co_await Sleep(scope_, 1h);
        if (packet.message.text == "slow") co_await Sleep(slow_, 20ms);
        packet.message.text += "!";
        co_return std::move(packet);
    }
    void stop() { scope_.cancel(); }
    bool ended() const { return scope_.running() == 0; }
    int asked = 0;

private:
    Task<void> accept() {
        Readiness readiness(listener_.get());
        for (;;) {
            Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (fd) {
                scope_.spawn(server_.serve(scope_, std::move(fd)));
            } else {
                readiness.would_block(Readiness::read);
                co_await readiness.wait(Readiness::read, scope_);
            }
        }
    }
    Fd listener_;
    ipc::Server server_;
    Scope slow_;
    Scope scope_;
};

struct World {
    World() : path("/tmp/facteur-rpc-test." + std::to_string(::getpid())) {}
    ~World() { ::unlink(path.c_str()); }
    Loop loop;
    std::string path;
    Scope scope;
};

Task<void> ask(ipc::Client& client, std::string text, std::vector<std::string>& log) {
    Echo echo;
    echo.text = std::move(text);
    auto answer = co_await client.call(std::move(echo));
    log.push_back(answer ? answer->message.text
                         : answer.error().status + " " + answer.error().text);
}

Task<void> ask_with_file(ipc::Client& client, std::vector<std::string>& log, int count) {
    std::vector<Fd> fds;
    for (int i = 0; i < count; ++i) {
        fds.emplace_back(::memfd_create("test", MFD_CLOEXEC));
        std::string text = std::to_string(i);
        REQUIRE(::pwrite(fds.back().get(), text.data(), text.size(), 0) > 0);
    }
    Echo echo;
    auto answer = co_await client.call(std::move(echo), std::move(fds));
    for (const Fd& fd : answer->fds) {
        std::string text(8, '\0');
        text.resize(static_cast<std::size_t>(::pread(fd.get(), text.data(), text.size(), 0)));
        log.push_back(text);
    }
}

}  // namespace

TEST_CASE("questions are answered, refused or time out", "[ipc]") {
    World world;
    EchoDaemon daemon(world.path);
    ipc::Client client(world.scope, world.path, 5s);
    std::vector<std::string> log;
    world.scope.spawn(ask(client, "a", log));
    world.scope.spawn(ask(client, "refuse", log));
    world.scope.spawn(ask(client, "hang", log));
    world.loop.run_until([&] { return log.size() == 2; });
    CHECK(log == std::vector<std::string>{"a!", "5.7.1 no"});
    world.loop.advance(6s);
    world.loop.run_until([&] { return log.size() == 3; });
    CHECK(log.back().starts_with("4.3.0 no answer from "));
    daemon.stop();
    world.loop.run_until([&] { return daemon.ended(); });
}

TEST_CASE("descriptors come through in order, hundreds in one turn", "[ipc]") {
    World world;
    EchoDaemon daemon(world.path);
    ipc::Client client(world.scope, world.path);
    std::vector<std::string> log;
    for (int i = 0; i < 10; ++i)
        world.scope.spawn(ask_with_file(client, log, 60));
    world.loop.run_until([&] { return log.size() == 600; });
    for (std::size_t i = 0; i < 600; ++i)
        CHECK(log[i] == std::to_string(i % 60));
}

TEST_CASE("large messages and thousands at once come through whole", "[ipc]") {
    World world;
    EchoDaemon daemon(world.path);
    ipc::Client client(world.scope, world.path);
    std::vector<std::string> log;
    world.scope.spawn(ask(client, std::string(20'000'000, 'x'), log));
    for (int i = 0; i < 5000; ++i)
        world.scope.spawn(ask(client, std::to_string(i), log));
    world.loop.run_until([&] { return log.size() == 5001; });
    CHECK(log[0].size() == 20'000'001);
    CHECK(log[5000] == "4999!");
}

TEST_CASE("a question without an answer is asked again of the successor", "[ipc]") {
    World world;
    auto first = std::make_unique<EchoDaemon>(world.path);
    ipc::Client client(world.scope, world.path);
    std::vector<std::string> log;
    world.scope.spawn(ask(client, "hang", log));
    world.loop.run_until([&] { return first->asked == 1; });
    first.reset();  // as after kill -9
    world.scope.spawn(ask(client, "b", log));
    auto second = std::make_unique<EchoDaemon>(world.path);
    world.loop.run_until([&] { return second->asked == 2; });
    world.loop.run_until([&] { return log.size() == 1; });
    CHECK(log[0] == "b!");
}

TEST_CASE("a server that stops answers what it has begun", "[ipc]") {
    World world;
    EchoDaemon daemon(world.path);
    ipc::Client client(world.scope, world.path);
    std::vector<std::string> log;
    world.scope.spawn(ask(client, "slow", log));
    world.loop.run_until([&] { return daemon.asked == 1; });
    daemon.stop();
    world.loop.run_until([&] { return daemon.ended(); });
    world.loop.run_until([&] { return log.size() == 1; });
    CHECK(log[0] == "slow!");
}

TEST_CASE("what a stopping daemon gives up is answered by its successor", "[ipc]") {
    World world;
    auto daemon = std::make_unique<EchoDaemon>(world.path);
    ipc::Client client(world.scope, world.path, 30s);
    std::vector<std::string> log;
    world.scope.spawn(ask(client, "hang", log));
    world.loop.run_until([&] { return daemon->asked == 1; });
    daemon->stop();  // the wait in the handler ends with Cancelled
    world.loop.run_until([&] { return daemon->ended(); });
    CHECK(log.empty());
    daemon = std::make_unique<EchoDaemon>(world.path);
    world.loop.run_until([&] { return daemon->asked == 1 || !log.empty(); });
    CHECK(log.empty());
    CHECK(daemon->asked == 1);
    daemon->stop();
    world.loop.run_until([&] { return daemon->ended(); });
}
