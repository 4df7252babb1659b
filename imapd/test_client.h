#pragma once

#include <memory>
#include <string>
#include <utility>

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "imapd/session.h"
#include "lib/config/load.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/net/socket.h"
#include "lib/store/memory_store.h"

/// What the tests of the session share.
namespace facteur::imapd {

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

/// One client on one end of a socket pair, a session on the other.
class Client {
public:
    Client(Loop& loop, store::Store& store, WorkerPool& workers, const Settings& settings)
        : loop_(loop) {
        auto pair = socket_pair();
        REQUIRE(pair);
        socket_ = std::move(pair->first);
        stream_ = std::make_unique<Stream>(scope_, std::move(pair->second));
        session_ = std::make_unique<Session>(*stream_, store, workers, settings);
        scope_.spawn(run());
    }
    ~Client() {
        scope_.cancel();
        loop_.run_until([this] { return ended_; });
    }

    void send(const std::string& text) {
        REQUIRE(::write(socket_.get(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }
    /// Everything up to and with the line in which the text stands.
    std::string until(const std::string& text) {
        std::size_t end = std::string::npos;
        loop_.run_until([&] {
            bool more = read();
            std::size_t at = input_.find(text);
            end = at == std::string::npos ? at : input_.find("\r\n", at);
            return end != std::string::npos || !more;
        });
        if (end == std::string::npos) return std::exchange(input_, std::string());
        std::string got = input_.substr(0, end + 2);
        input_.erase(0, end + 2);
        return got;
    }
    std::string rest() { return until("\1never"); }
    void cancel() { scope_.cancel(); }
    const Session& session() const { return *session_; }

private:
    Task<void> run() {
        co_await session_->run("a0");
        ended_ = true;
    }
    bool read() {
        char block[4096];
        for (;;) {
            ssize_t count = ::read(socket_.get(), block, sizeof block);
            if (count > 0) input_.append(block, static_cast<std::size_t>(count));
            if (count == 0) return false;
            if (count < 0) return true;
        }
    }

    Loop& loop_;
    Fd socket_;
    std::unique_ptr<Stream> stream_;
    std::unique_ptr<Session> session_;
    std::string input_;
    bool ended_ = false;
    Scope scope_;
};

struct Fixture {
    Loop loop;
    WorkerPool workers{1};
    store::MemoryStore store;
    Settings settings;

    Fixture() {
        auto problems = conf::load_text(settings, "");
        REQUIRE(problems.empty());
    }
    /// A whole session: what the server says to all that.
    std::string talk(const std::string& input) {
        Client client(loop, store, workers, settings);
        client.send(input + "zz LOGOUT\r\n");
        return client.rest();
    }
};

}  // namespace facteur::imapd
