#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include "lib/event/loop.h"
#include "lib/ipc/client.h"
#include "lib/ipc/server.h"
#include "lib/ipc/ways/auth.h"
#include "lib/ipc/ways/mailbox.h"
#include "lib/net/socket.h"

namespace facteur::login {

/// authd and a mailbox stage as a login stage sees them, in a folder that is the working directory
/// while this lives.  Only PLAIN, only "\0tim\0right".
class TestDaemons {
public:
    explicit TestDaemons(const std::string& protocol) {
        char name[] = "/tmp/facteur-login-XXXXXX";
        folder_ = ::mkdtemp(name);
        std::filesystem::current_path(folder_);
        std::filesystem::create_directory("private");
        auth_.on<ipc::SaslMechanisms>(
            [this](ipc::Packet<ipc::SaslMechanisms>, const ipc::Peer&) { return mechanisms(); });
        auth_.on<ipc::SaslStart>([this](ipc::Packet<ipc::SaslStart> packet, const ipc::Peer&) {
            return start(std::move(packet.message));
        });
        auth_.on<ipc::SaslStep>([this](ipc::Packet<ipc::SaslStep> packet, const ipc::Peer&) {
            return step(std::move(packet.message));
        });
        mailbox_.on<ipc::OpenSession>([this](ipc::Packet<ipc::OpenSession> packet,
                                             const ipc::Peer&) { return open(std::move(packet)); });
        listen(auth_, "private/auth");
        listen(mailbox_, "private/" + protocol + "-mailbox");
    }
    ~TestDaemons() {
        std::filesystem::current_path("/");
        std::filesystem::remove_all(folder_);
    }
    TestDaemons(const TestDaemons&) = delete;
    TestDaemons& operator=(const TestDaemons&) = delete;

    std::vector<ipc::SaslStart> asked;
    int aborted = 0;
    bool authd_fails = false;
    ipc::OpenSessionReply answer;  ///< of the mailbox stage
    std::vector<ipc::OpenSession> opened;
    std::vector<Fd> connections;

private:
    void listen(ipc::Server& server, const std::string& path) {
        listeners_.push_back(*ipc::listen_unix(path));
        std::function<void(Fd)> take = [this, &server](Fd connection) {
            scope_.spawn(server.serve(scope_, std::move(connection)));
        };
        scope_.spawn(accept_loop(scope_, listeners_.back().get(), std::move(take)));
    }
    template <class M>
    static Result<ipc::Packet<M>> reply(M message) {
        return ipc::Packet<M>(std::move(message));
    }

    Task<Result<ipc::Packet<ipc::SaslMechanisms::Reply>>> mechanisms() {
        ipc::SaslMechanisms::Reply known;
        known.names = {"PLAIN"};
        co_return reply(std::move(known));
    }
    Task<Result<ipc::Packet<ipc::SaslReply>>> start(ipc::SaslStart question) {
        asked.push_back(question);
        if (authd_fails) co_return permanent("authd is ill");
        ipc::SaslReply verdict;
        verdict.exchange = 7;
        if (question.has_response)
            judge(question.response, verdict);
        else
            verdict.outcome = ipc::SaslOutcome::more;
        co_return reply(std::move(verdict));
    }
    Task<Result<ipc::Packet<ipc::SaslReply>>> step(ipc::SaslStep question) {
        ipc::SaslReply verdict;
        verdict.outcome = ipc::SaslOutcome::rejected;
        aborted += question.abort ? 1 : 0;
        if (!question.abort && question.exchange == 7) judge(question.response, verdict);
        co_return reply(std::move(verdict));
    }
    static void judge(const std::string& response, ipc::SaslReply& verdict) {
        bool right = response == std::string("\0tim\0right", 10);
        verdict.outcome = right ? ipc::SaslOutcome::accepted : ipc::SaslOutcome::rejected;
        if (right) verdict.user = "tim@here.test";
    }
    Task<Result<ipc::Packet<ipc::OpenSessionReply>>> open(ipc::Packet<ipc::OpenSession> packet) {
        opened.push_back(std::move(packet.message));
        connections = std::move(packet.fds);
        co_return reply(answer);
    }

    std::string folder_;
    std::vector<Fd> listeners_;
    ipc::Server auth_;
    ipc::Server mailbox_;
    Scope scope_;
};

/// One client of a login stage, and what it hears.
class TestVisitor {
public:
    TestVisitor(Loop& loop, Scope& tasks, std::function<Task<void>(Fd)> log_in) : loop_(loop) {
        auto ends = socket_pair();
        client_ = std::move(ends->first);
        tasks.spawn(log_in(std::move(ends->second)));
    }
    void say(const std::string& text) {
        [[maybe_unused]] ssize_t sent = ::write(client_.get(), text.data(), text.size());
    }
    /// All that came until `end` stands at the end of it, or the other side closed.
    std::string hear(const std::string& end) {
        std::string heard;
        bool closed = false;
        loop_.run_until([&] {
            char block[4096];
            ssize_t count = ::read(client_.get(), block, sizeof block);
            if (count > 0) heard.append(block, static_cast<std::size_t>(count));
            closed = count == 0;
            return closed || heard.ends_with(end);
        });
        return heard;
    }

private:
    Loop& loop_;
    Fd client_;
};

}  // namespace facteur::login
