#include "policyd/delegation.h"

#include <algorithm>

#include <sys/socket.h>

#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/sleep.h"
#include "lib/net/socket.h"

namespace facteur::policyd {

namespace {

/// The longest line of an answer.
constexpr std::size_t kMostLine = 8192;

/// The server hung up, or says what nobody asked for.
bool is_stale(int fd) {
    char byte = 0;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

}  // namespace

PolicyServer::PolicyServer(Scope& scope, dns::Resolver& resolver, std::string name,
                           std::size_t limit)
    : scope_(scope), resolver_(resolver), name_(std::move(name)), limit_(limit) {}

/// One of the questions that are asked at a time; also when it ends with an exception.
class PolicyServer::Turn {
public:
    explicit Turn(PolicyServer& server) : server_(server) { ++server_.busy_; }
    ~Turn() {
        --server_.busy_;
        server_.freed_.notify_one();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    PolicyServer& server_;
};

/// Those that wait for their turn are bounded too: ipc::Server reads no further from a process of
/// smtpd that has 2,000 questions in work.
Task<Result<std::string>> PolicyServer::ask(const ipc::Delegate& question) {
    const std::string wire = request_text(question.attributes);
    const TimePoint deadline = Loop::current().now() + Seconds(question.timeout);
    while (busy_ >= limit_) {
        if (Loop::current().now() >= deadline) co_return temporary("too many questions at once");
        try {
            co_await freed_.wait(scope_, deadline);
        } catch (const TimedOut&) {
        }
    }
    const Turn turn(*this);
    Result<std::string> answer = temporary("not asked");
    for (std::uint32_t tries = 1;; ++tries) {
        answer = co_await attempt(question, wire);
        if (answer) break;
        log_warning("problem talking to server " + name_ + ": " + answer.error().text);
        if (tries >= question.tries) break;
        const Milliseconds pause = Seconds(question.retry_delay);
        co_await Sleep(scope_, pause);
    }
    co_return answer;
}

Task<Result<std::string>> PolicyServer::attempt(const ipc::Delegate& question,
                                                const std::string& wire) {
    Pointer connection = take_idle();
    if (!connection) {
        CO_TRY(connection, co_await open(question));
    }
    Result<std::string> answer = co_await exchange(*connection, question, wire);
    if (answer) keep(std::move(connection), question);
    co_return answer;
}

Task<Result<std::string>> PolicyServer::exchange(Connection& connection,
                                                 const ipc::Delegate& question,
                                                 const std::string& wire) {
    std::string failure;
    try {
        ++connection.questions;
        connection.stream.set_deadline(Seconds(question.timeout));
        connection.stream.put(wire);
        co_await connection.stream.flush();
        co_return co_await read_answer(connection);
    } catch (const Cancelled&) {
        throw;
    } catch (const TimedOut&) {
        failure = "timed out";
    } catch (const Disconnect&) {
        failure = "connection lost";
    }
    co_return temporary(failure);
}

Task<Result<std::string>> PolicyServer::read_answer(Connection& connection) {
    AnswerReader reader;
    for (;;) {
        const Line line = co_await connection.stream.read_line(kMostLine);
        if (line.too_long) co_return temporary("answer has a line that is too long");
        CO_TRY(bool done, reader.add(line.text));
        if (done) co_return reader.action();
    }
}

PolicyServer::Pointer PolicyServer::take_idle() {
    const TimePoint now = Loop::current().now();
    while (!idle_.empty()) {
        Pointer connection = std::move(idle_.back());
        idle_.pop_back();
        if (connection->expires > now && !is_stale(connection->stream.fd())) return connection;
    }
    return nullptr;
}

void PolicyServer::keep(Pointer connection, const ipc::Delegate& question) {
    const TimePoint now = Loop::current().now();
    const bool used_up =
        question.request_limit > 0 && connection->questions >= question.request_limit;
    connection->expires = std::min(now + Seconds(question.max_idle), connection->end);
    if (used_up || connection->expires <= now || connection->stream.buffered()) return;
    idle_.push_back(std::move(connection));
    if (sweeping_) return;
    sweeping_ = true;
    scope_.spawn(sweep());
}

/// Closes what nobody used for long enough.
Task<void> PolicyServer::sweep() {
    while (!idle_.empty()) {
        TimePoint next = kNever;
        for (const Pointer& connection : idle_)
            next = std::min(next, connection->expires);
        co_await Sleep(scope_, next);
        const TimePoint now = Loop::current().now();
        std::erase_if(idle_,
                      [now](const Pointer& connection) { return connection->expires <= now; });
    }
    sweeping_ = false;
}

Task<Result<std::vector<Address>>> PolicyServer::addresses(TimePoint deadline) {
    std::vector<Address> found;
    std::string_view rest = name_;
    rest.remove_prefix(5);
    if (name_.starts_with("unix:")) {
        found.push_back(Address::unix_path(rest));
        co_return found;
    }
    const std::size_t colon = rest.rfind(':');
    std::string host(colon == std::string_view::npos ? "localhost" : rest.substr(0, colon));
    const auto port = parse_number(rest.substr(colon == std::string_view::npos ? 0 : colon + 1));
    if (!port || *port == 0 || *port > 65535) co_return permanent("no port number in " + name_);
    if (host.empty()) host = "localhost";
    const auto number = static_cast<std::uint16_t>(*port);
    if (const auto literal = Address::from_ip(host, number)) {
        found.push_back(*literal);
        co_return found;
    }
    if (iequals(host, "localhost")) {
        found.push_back(*Address::from_ip("127.0.0.1", number));
        found.push_back(*Address::from_ip("::1", number));
        co_return found;
    }
    CO_TRY(dns::Hosts hosts,
           co_await dns::addresses_of(resolver_, scope_, std::move(host), true, true, deadline));
    for (Address& address : hosts.addresses) {
        address.set_port(number);
        found.push_back(std::move(address));
    }
    co_return found;
}

Task<Result<PolicyServer::Pointer>> PolicyServer::open(const ipc::Delegate& question) {
    const TimePoint deadline = Loop::current().now() + Seconds(question.timeout);
    CO_TRY(std::vector<Address> places, co_await addresses(deadline));
    Error failure;
    for (const Address& place : places) {
        Result<Fd> socket = co_await connect_to(scope_, place, deadline);
        if (socket) {
            auto connection = std::make_unique<Connection>(scope_, *std::move(socket));
            connection->end = Loop::current().now() + Seconds(question.max_ttl);
            co_return connection;
        }
        failure = std::move(socket).error();
    }
    co_return std::unexpected(std::move(failure));
}

Delegation::Delegation(Scope& scope, dns::Resolver& resolver, std::vector<std::string> named,
                       std::size_t connection_limit) {
    for (std::string& name : named) {
        auto server = std::make_unique<PolicyServer>(scope, resolver, name, connection_limit);
        servers_.emplace(std::move(name), std::move(server));
    }
}

Task<Result<ipc::Packet<ipc::DelegateReply>>> Delegation::ask(ipc::Delegate question) {
    const auto server = servers_.find(question.server);
    if (server == servers_.end())
        co_return temporary("policy server " + printable(question.server, 200) +
                            " is not in main.cf or master.cf");
    ipc::DelegateReply reply;
    CO_TRY(reply.action, co_await server->second->ask(question));
    co_return ipc::Packet<ipc::DelegateReply>(std::move(reply));
}

}  // namespace facteur::policyd
