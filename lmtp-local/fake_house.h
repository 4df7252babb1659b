#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/write_all.h"
#include "lib/config/load.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/readiness.h"
#include "lib/ipc/client.h"
#include "lib/ipc/server.h"
#include "lib/ipc/ways/auth.h"
#include "lib/ipc/ways/queue.h"
#include "lmtp-local/deliverer.h"

namespace facteur::lmtp_local {

/// For tests: a folder to work in, and what lmtp-local asks of others, answered from tables.
class FakeHouse {
public:
    struct Submitted {
        ipc::Submit message;
        std::string content;
    };

    explicit FakeHouse(const std::string& main_cf = "") : workers(2), server_scope_(scope) {
        REQUIRE(::mkdtemp(path_.data()));
        REQUIRE(::chdir(path_.c_str()) == 0);
        std::filesystem::create_directory("private");
        conf::load_text(settings,
                        "myhostname = host.test\nmyorigin = host.test\n"
                        "recipient_delimiter = +\n" +
                            main_cf);
        answer();
        for (const char* name : {"private/auth", "private/address", "private/queue"})
            listeners_.push_back(std::make_unique<Listening>(name));
        for (auto& listening : listeners_)
            server_scope_.spawn(accept_all(*listening));
    }
    ~FakeHouse() {
        scope.cancel();
        loop.run_until([this] { return scope.running() == 0 && server_scope_.running() == 0; });
        (void)::chdir("/");
        std::filesystem::remove_all(path_);
    }

    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        scope.spawn(into(result, std::move(task)));
        loop.run_until([&] { return result.has_value(); });
        return *std::move(result);
    }
    void until(const std::function<bool()>& condition) { loop.run_until(condition); }

    /// A user with a home below path(), as this process.
    void add_user(const std::string& name) {
        ipc::UserReply reply;
        reply.found = true;
        reply.user = name;
        reply.uid = ::geteuid();
        reply.gid = ::getegid();
        reply.home = path_ + "/home/" + name;
        reply.mail = "maildir:" + reply.home + "/Maildir";
        std::filesystem::create_directories(reply.home);
        users[name] = reply;
    }
    std::string home(const std::string& name) const { return path_ + "/home/" + name; }
    /// The contents of the messages in INBOX.
    std::vector<std::string> messages(const std::string& name) const {
        std::vector<std::string> found;
        for (const char* sub : {"/Maildir/new", "/Maildir/cur"}) {
            std::error_code failure;
            for (const auto& file : std::filesystem::directory_iterator(home(name) + sub, failure))
                found.push_back(read(file.path()));
        }
        return found;
    }
    void put(const std::string& file, const std::string& text) const {
        std::ofstream(file, std::ios::binary) << text;
    }
    static std::string read(const std::string& file) {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    const std::string& path() const { return path_; }

    static Fd memory_file(const std::string& text) {
        Fd fd(::memfd_create("test", MFD_CLOEXEC));
        REQUIRE(write_all(fd.get(), text));
        return fd;
    }
    static Mail mail(const std::string& text, const std::string& id = "4bXyz") {
        Mail mail;
        mail.id = id;
        mail.sender = "a@example.org";
        mail.arrival = 1;  // long ago: it may have been delivered before
        mail.content = memory_file(text);
        mail.size = text.size();
        return mail;
    }
    static ipc::JobRecipient recipient(const std::string& address, std::uint32_t index = 0) {
        ipc::JobRecipient to;
        to.index = index;
        to.address = address;
        return to;
    }

    Loop loop;
    Settings settings;
    Scope scope;
    WorkerPool workers;
    std::map<std::string, ipc::UserReply> users;
    std::map<std::string, ipc::AliasReply> aliases;
    std::map<std::string, std::map<std::string, std::string>> tables;  ///< exact keys only
    std::vector<Submitted> submitted;

private:
    struct Listening {
        explicit Listening(const std::string& name)
            : socket(ipc::listen_unix(name).value()), readiness(socket.get()) {}
        Fd socket;
        Readiness readiness;
    };

    template <class T>
    static Task<void> into(std::optional<T>& result, Task<T> task) {
        result.emplace(co_await std::move(task));
    }
    void answer() {
        server_.on<ipc::UserLookup>([this](ipc::Packet<ipc::UserLookup> packet, const ipc::Peer&) {
            return user(std::move(packet));
        });
        server_.on<ipc::Alias>([this](ipc::Packet<ipc::Alias> packet, const ipc::Peer&) {
            return alias(std::move(packet));
        });
        server_.on<ipc::Lookup>([this](ipc::Packet<ipc::Lookup> packet, const ipc::Peer&) {
            return lookup(std::move(packet));
        });
        server_.on<ipc::Submit>([this](ipc::Packet<ipc::Submit> packet, const ipc::Peer&) {
            return submit(std::move(packet));
        });
    }
    Task<Result<ipc::Packet<ipc::UserReply>>> user(ipc::Packet<ipc::UserLookup> packet) {
        ipc::UserReply reply;
        if (auto at = users.find(packet.message.user); at != users.end()) reply = at->second;
        co_return ipc::Packet<ipc::UserReply>(reply);
    }
    Task<Result<ipc::Packet<ipc::AliasReply>>> alias(ipc::Packet<ipc::Alias> packet) {
        ipc::AliasReply reply;
        auto at = aliases.find(packet.message.name);
        if (at != aliases.end()) reply = at->second;
        reply.found = at != aliases.end();
        co_return ipc::Packet<ipc::AliasReply>(reply);
    }
    Task<Result<ipc::Packet<ipc::TableReply>>> lookup(ipc::Packet<ipc::Lookup> packet) {
        ipc::TableReply reply;
        for (const std::string& table : packet.message.tables) {
            auto at = tables[table].find(packet.message.key);
            if (reply.found || at == tables[table].end()) continue;
            reply.found = true;
            reply.value = at->second;
        }
        co_return ipc::Packet<ipc::TableReply>(reply);
    }
    Task<Result<ipc::Packet<ipc::Nothing>>> submit(ipc::Packet<ipc::Submit> packet) {
        std::string content(packet.message.size, '\0');
        ssize_t got = ::pread(packet.fds.at(0).get(), content.data(), content.size(), 0);
        content.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        submitted.push_back({std::move(packet.message), std::move(content)});
        co_return ipc::Packet<ipc::Nothing>(ipc::Nothing());
    }
    Task<void> accept_all(Listening& listening) {
        for (;;) {
            Fd fd(
                ::accept4(listening.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (fd) {
                server_scope_.spawn(server_.serve(server_scope_, std::move(fd)));
                continue;
            }
            listening.readiness.would_block(Readiness::read);
            co_await listening.readiness.wait(Readiness::read, server_scope_);
        }
    }

    std::string path_ = "/tmp/facteur-lmtp-local-XXXXXX";
    ipc::Server server_;
    std::vector<std::unique_ptr<Listening>> listeners_;
    Scope server_scope_;  ///< last: its tasks use the rest
};

/// A mailbox that cannot be flushed while `error` is set.
class FakeLetterbox : public Letterbox {
public:
    explicit FakeLetterbox(std::uint64_t domain) : domain_(domain) {}
    Task<Result<void>> append(store::NewMessage) override { co_return Result<void>(); }
    Task<Result<void>> flush() override {
        ++flushes;
        if (error) co_return std::unexpected(*error);
        co_return Result<void>();
    }
    std::uint64_t flush_domain() const override { return domain_; }
    std::optional<Error> error;
    int flushes = 0;

private:
    const std::uint64_t domain_;
};

inline std::shared_ptr<User> fake_user(std::uint64_t domain, FakeLetterbox*& store) {
    auto user = std::make_shared<User>();
    auto made = std::make_unique<FakeLetterbox>(domain);
    store = made.get();
    user->box = std::move(made);
    return user;
}

}  // namespace facteur::lmtp_local
