#pragma once

// Unit tests only: a server that plays its part, and a name service that knows what it is told.

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/scope.h"
#include "lib/net/dns/resolver.h"
#include "lib/net/socket.h"
#include "lib/net/stream.h"
#include "smtp-client/lookups.h"

namespace facteur::smtp_client {

class FakeServer {
public:
    explicit FakeServer(Scope& scope, const std::string& ip = "127.0.0.1", std::uint16_t port = 0)
        : scope_(scope), listener_(*listen_on(*Address::from_ip(ip, port))) {
        address = local_address(listener_.get());
        scope_.spawn(accept_loop(scope_, listener_.get(),
                                 [this](Fd fd) { scope_.spawn(serve(std::move(fd))); }));
    }

    std::string greeting = "220 mx.test ESMTP";
    std::vector<std::string> offers = {"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"};
    std::map<std::string, std::string> replies;  ///< by the beginning of the command
    std::string hang_up_at;                      ///< closes instead of answering this
    TlsServer* tls = nullptr;
    bool break_tls = false;
    bool lmtp = false;
    bool batches = false;  ///< answers only when it has read what came (RFC 2920 section 3.2)

    std::vector<std::string> commands;
    std::vector<std::string> contents;
    int connections = 0;
    int encrypted = 0;
    Address address;
    Address peer;  ///< of the last connection

    int count(std::string_view beginning) const {
        int found = 0;
        for (const std::string& command : commands)
            found += command.starts_with(beginning) ? 1 : 0;
        return found;
    }

private:
    std::string reply_to(const std::string& command) const {
        std::string best;
        std::string text;
        for (const auto& [beginning, reply] : replies) {
            if (command.starts_with(beginning) && beginning.size() >= best.size()) {
                best = beginning;
                text = reply;
            }
        }
        return text;
    }
    std::string hello() const {
        std::string text = "250-mx.test";
        for (const std::string& offer : offers)
            text += "\r\n250-" + offer;
        if (tls) text += "\r\n250-STARTTLS";
        return text + "\r\n250 HELP";
    }

    Task<void> serve(Fd fd) {
        Stream stream(scope_, std::move(fd));
        peer = stream.peer();
        ++connections;
        try {
            stream.put(greeting + "\r\n");
            co_await stream.flush();
            int accepted = 0;
            for (bool more = true; more;)
                more = co_await obey(stream, accepted);
        } catch (const Disconnect&) {
        }
    }
    Task<bool> obey(Stream& stream, int& accepted) {
        Line line = co_await stream.read_line(10000);
        commands.push_back(line.text);
        if (!hang_up_at.empty() && line.text.starts_with(hang_up_at)) co_return false;
        std::string reply = reply_to(line.text);
        std::string verb = line.text.substr(0, 4);
        if (reply.empty()) reply = verb == "EHLO" || verb == "LHLO" ? hello() : "250 2.0.0 Ok";
        bool good = reply.starts_with("2");
        constexpr int kNoMail = -1000;
        if (verb == "MAIL") accepted = good ? 0 : kNoMail;
        if (verb == "RCPT" && good) ++accepted;
        if (verb == "QUIT") co_return false;
        if (verb == "DATA") {
            co_await take_data(stream, accepted, reply);
        } else if (verb == "BDAT") {
            co_await take_chunk(stream, line.text, accepted, reply);
        } else if (verb == "STAR" && tls) {
            stream.put("220 2.0.0 Ready\r\n");
            co_await stream.flush();
            co_return co_await encrypt(stream);
        } else {
            stream.put(reply + "\r\n");
        }
        if (!batches || !stream.buffered()) co_await stream.flush();
        co_return true;
    }
    Task<bool> encrypt(Stream& stream) {
        if (break_tls) co_return false;
        Result<void> done = co_await stream.start_tls(*tls);
        if (done) ++encrypted;
        co_return done.has_value();
    }
    Task<void> take_data(Stream& stream, int accepted, std::string reply) {
        if (accepted <= 0) reply = "554 5.5.1 No valid recipients";
        if (!reply.starts_with("2")) {
            stream.put(reply + "\r\n");
            co_return;
        }
        stream.put("354 Go\r\n");
        co_await stream.flush();
        std::string content;
        for (;;) {
            Line line = co_await stream.read_line(100000);
            if (line.text == ".") break;
            content += line.text + "\r\n";
        }
        contents.push_back(content);
        co_await finish(stream, accepted);
    }
    Task<void> take_chunk(Stream& stream, std::string command, int accepted, std::string reply) {
        auto words_of = split(command, ' ');
        auto size = static_cast<std::size_t>(*parse_number(words_of.at(1)));
        std::string content = co_await stream.read_exactly(size);
        if (accepted <= 0) {
            stream.put("554 5.5.1 No valid recipients\r\n");
            co_return;
        }
        if (!reply.starts_with("2")) {
            stream.put(reply + "\r\n");
            co_return;
        }
        contents.push_back(content);
        co_await finish(stream, accepted);
    }
    Task<void> finish(Stream& stream, int accepted) {
        if (hang_up_at == ".") throw Closed("as the test wants it");
        std::string reply = reply_to(".");
        if (reply.empty()) reply = "250 2.0.0 Ok: queued as 1234";
        for (int i = 0; i < (lmtp ? accepted : 1); ++i) {
            std::string own = reply_to("." + std::to_string(i));
            stream.put((own.empty() ? reply : own) + "\r\n");
        }
        co_await stream.flush();
    }

    Scope& scope_;
    Fd listener_;
};

class FakeResolver : public dns::Resolver {
public:
    std::map<std::string, Result<dns::Answer>> answers;  ///< "MX example.test"
    int asked = 0;

    void mx(const std::string& name, unsigned preference, const std::string& host) {
        dns::Record& record = add(dns::Type::mx, name);
        record.preference = static_cast<std::uint16_t>(preference);
        record.data = host;
    }
    void a(const std::string& name, const std::string& ip) {
        auto address = *Address::from_ip(ip);
        bool ipv4 = address.family() == Address::Family::ipv4;
        add(ipv4 ? dns::Type::a : dns::Type::aaaa, name).data = address.bytes();
    }
    void srv(const std::string& name, unsigned priority, unsigned weight, unsigned port,
             const std::string& host) {
        dns::Record& record = add(dns::Type::srv, name);
        record.preference = static_cast<std::uint16_t>(priority);
        record.weight = static_cast<std::uint16_t>(weight);
        record.port = static_cast<std::uint16_t>(port);
        record.data = host;
    }
    void fail(dns::Type type, const std::string& name) {
        answers[key(type, name)] = std::unexpected(dns::try_again(name, type));
    }
    Task<Result<dns::Answer>> query(Scope&, std::string name, dns::Type type, TimePoint) override {
        ++asked;
        auto found = answers.find(key(type, name));
        if (found != answers.end()) co_return found->second;
        dns::Answer none;
        none.status = dns::Answer::Status::no_name;
        none.canonical = name;
        co_return none;
    }

private:
    static std::string key(dns::Type type, const std::string& name) {
        return std::string(dns::type_name(type)) + " " + name;
    }
    dns::Record& add(dns::Type type, const std::string& name) {
        dns::Answer answer;
        answer.status = dns::Answer::Status::found;
        answer.canonical = name;
        auto [found, added] = answers.try_emplace(key(type, name), answer);
        dns::Record record;
        record.type = type;
        record.owner = name;
        found->second->records.push_back(record);
        return found->second->records.back();
    }
};

class FakeLookups : public Lookups {
public:
    std::map<std::string, std::string> table;
    Task<Result<std::optional<std::string>>> find(std::vector<std::string>, ipc::LookupKey,
                                                  std::string key) override {
        std::optional<std::string> value;
        if (auto found = table.find(key); found != table.end()) value = found->second;
        co_return value;
    }
    Task<Result<ipc::LookupManyReply>> find_many(ipc::LookupMany question) override {
        ipc::LookupManyReply reply;
        for (std::size_t i = 0; i < question.keys.size(); ++i) {
            auto found = table.find(question.keys[i]);
            if (found == table.end()) continue;
            reply.found.push_back(static_cast<std::uint32_t>(i));
            reply.values.push_back(found->second);
        }
        co_return reply;
    }
    Task<Result<bool>> matches(std::string, std::vector<std::string> patterns,
                               std::string word) override {
        co_return std::ranges::find(patterns, word) != patterns.end();
    }
};

}  // namespace facteur::smtp_client
