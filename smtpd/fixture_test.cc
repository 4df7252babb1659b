#include <algorithm>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/config/load.h"
#include "lib/event/readiness.h"
#include "lib/net/socket.h"
#include "lib/smtp/address.h"
#include "smtpd/test_fixture.h"

namespace facteur::smtpd::testing {

namespace {

constexpr std::string_view kStranger =
    "myhostname = mx.here.test\n"
    "mynetworks = 192.0.2.0/24\n"
    "local_header_rewrite_clients =\n"
    "smtpd_error_sleep_time = 0\n";

}  // namespace

std::string read_all(int fd, std::uint64_t offset) {
    std::string all;
    char block[4096];
    while (true) {
        const ssize_t n = pread(fd, block, sizeof block, static_cast<off_t>(offset + all.size()));
        if (n <= 0) return all;
        all.append(block, static_cast<std::size_t>(n));
    }
}

Task<Result<ipc::Classification>> FakeBackend::classify(std::string address) {
    asked.push_back(address);
    const smtp::Mailbox mailbox = smtp::split_internal(address);
    ipc::Classification answer;
    answer.address = address;
    if (mailbox.domain == "slow.test") co_return temporary("table is gone");
    if (mailbox.domain == "here.test" || mailbox.domain.empty()) {
        answer.address_class = ipc::AddressClass::local;
        answer.exists = mailbox.local == "user" || mailbox.local == "anna" ||
                        mailbox.local == "postmaster" || mailbox.local == "a b";
    } else if (mailbox.domain == "virtual.test") {
        answer.address_class = ipc::AddressClass::virtual_mailbox;
        answer.exists = mailbox.local == "user";
    } else if (mailbox.domain == "relay.test") {
        answer.address_class = ipc::AddressClass::relay;
    }
    co_return answer;
}

Task<Result<std::optional<std::string>>> FakeBackend::access(ipc::Access question) {
    std::optional<std::string> value;
    for (const std::string& key : {question.key, question.client_ip}) {
        const auto found = access_table.find(key);
        if (found != access_table.end() && !value) value = found->second;
    }
    co_return value;
}

Task<Result<std::vector<std::string>>> FakeBackend::owners(std::string sender) {
    co_return sender_owners[sender];
}

Task<Result<std::optional<std::string>>> FakeBackend::lookup(ipc::Lookup question) {
    std::optional<std::string> value;
    if (const auto found = access_table.find(question.key); found != access_table.end())
        value = found->second;
    co_return value;
}

Task<Result<std::vector<std::string>>> FakeBackend::members(std::string address) {
    std::vector<std::string> members;
    if (address == "user@here.test") {
        members.push_back("anna@here.test");
        members.push_back("a b@else.test");
    } else {
        members.push_back(std::move(address));
    }
    co_return members;
}

Task<Result<bool>> FakeBackend::matches(ipc::Match) {
    co_return true;
}

/// Appends a domain to what has none.
Task<Result<ipc::RewriteHeaderReply>> FakeBackend::rewrite_header(ipc::RewriteHeader question) {
    ipc::RewriteHeaderReply reply;
    reply.senders = question.senders;
    reply.recipients = question.recipients;
    const std::string domain = question.domain.empty() ? "here.test" : question.domain;
    for (auto* list : {&reply.senders, &reply.recipients})
        for (std::string& address : *list)
            if (address.find('@') == std::string::npos) address += "@" + domain;
    co_return reply;
}

Task<Result<ipc::LookupManyReply>> FakeBackend::lookup_many(ipc::LookupMany question) {
    ipc::LookupManyReply reply;
    for (std::size_t i = 0; i < question.keys.size(); ++i) {
        const auto found = access_table.find(question.keys[i]);
        if (found == access_table.end()) continue;
        if (found->second == "fail") co_return temporary("table fails");
        reply.found.push_back(static_cast<std::uint32_t>(i));
        reply.values.push_back(found->second);
    }
    co_return reply;
}

Task<Result<ipc::Destination>> FakeBackend::route(std::string, std::string address) {
    ipc::Destination destination;
    destination.recipient = std::move(address);
    destination.transport = "smtp";
    destination.nexthop = "there.test";
    co_return destination;
}

Task<Result<Fd>> FakeBackend::connect(std::string place, TimePoint) {
    const auto found = filters.find(place);
    if (found == filters.end() || !found->second) co_return temporary("connection refused");
    co_return std::move(found->second);
}

Task<ClientName> FakeBackend::client_name(Address) {
    co_return client;
}

Task<Result<std::vector<std::string>>> FakeBackend::servers(std::string domain, Servers kind) {
    if (domain == "dead.test") co_return temporary("no answer");
    co_return kind == Servers::mx ? exchangers[domain] : name_servers[domain];
}

Task<Result<std::vector<std::string>>> FakeBackend::addresses(std::string host) {
    if (host == "dead.test") co_return temporary("no answer");
    const auto found = hosts.find(host);
    if (found != hosts.end()) co_return found->second;
    std::vector<std::string> none;
    if (host != "missing.test") none.emplace_back("192.0.2.80");
    co_return none;
}

Task<Result<Listing>> FakeBackend::dns_list(std::string name) {
    co_return listings[name];
}

Task<Result<Listing>> FakeBackend::listed_as(std::string name, TimePoint) {
    co_return listings[name];
}

Task<Result<bool>> FakeBackend::reads_mail(std::string client_address) {
    co_return std::find(readers.begin(), readers.end(), client_address) != readers.end();
}

Task<Result<ipc::VerifyReply>> FakeBackend::verify(ipc::Verify question) {
    to_verify.push_back(question);
    const auto found = verified.find(question.address);
    if (found == verified.end()) co_return temporary("nobody there");
    co_return found->second;
}

Task<Result<ipc::ScreenRecord>> FakeBackend::screened(std::string client_address) {
    co_return known[client_address];
}

Task<Result<ipc::PolicyReply>> FakeBackend::ask(ipc::Ask question) {
    questions.push_back(question);
    co_return policies[question.moment];
}

Task<Result<std::uint64_t>> FakeBackend::tell(ipc::Sessions sessions) {
    told.push_back(std::move(sessions));
    co_return generation;
}

Task<Result<std::string>> FakeBackend::delegate(ipc::Delegate question) {
    delegated.push_back(question);
    const auto server = policy_servers.find(question.server);
    if (server == policy_servers.end()) co_return temporary("connection refused");
    co_return server->second;
}

Task<Result<ipc::PolicyReply>> FakeBackend::judge(ipc::Judge, const Fd&) {
    co_return judgement;
}

Task<Result<std::vector<std::string>>> FakeBackend::sasl_mechanisms() {
    co_return std::vector<std::string>(1, "PLAIN");
}

/// PLAIN as user "anna" with password "secret"; LOGIN asks for both.
Task<Result<ipc::SaslReply>> FakeBackend::sasl(ipc::SaslStart question) {
    using namespace std::string_literals;
    ipc::SaslReply answer;
    if (question.mechanism == "LOGIN" || !question.has_response) {
        answer.outcome = ipc::SaslOutcome::more;
        answer.exchange = 7;
        answer.challenge = question.mechanism == "LOGIN" ? "Username:" : "";
        co_return answer;
    }
    const bool right = question.response == "\0anna\0secret"s;
    answer.outcome = right ? ipc::SaslOutcome::accepted : ipc::SaslOutcome::rejected;
    answer.user = answer.login = "anna";
    answer.reason = right ? "" : "wrong password";
    co_return answer;
}

Task<Result<ipc::SaslReply>> FakeBackend::sasl(ipc::SaslStep question) {
    ipc::SaslReply answer;
    if (question.response == "anna") {
        answer.outcome = ipc::SaslOutcome::more;
        answer.exchange = question.exchange;
        answer.challenge = "Password:";
        co_return answer;
    }
    answer.outcome =
        question.response == "secret" ? ipc::SaslOutcome::accepted : ipc::SaslOutcome::rejected;
    answer.user = "anna";
    co_return answer;
}

Task<TlsServer*> FakeBackend::tls() {
    co_return tls_server;
}

Task<std::optional<ipc::RoomReply>> FakeBackend::room() {
    co_return room_left;
}

Task<Result<ReservedFile>> FakeBackend::reserve(std::string) {
    if (reserve_error) co_return std::unexpected(*reserve_error);
    ReservedFile reserved;
    reserved.file.reset(memfd_create("reserved", MFD_CLOEXEC));
    reserved_ = reserved.file.duplicate();
    reserved.offset = 512;
    co_return reserved;
}

Task<Result<void>> FakeBackend::flush(ipc::FlushDestination order) {
    flushed.push_back(std::move(order));
    co_return Result<void>();
}

Task<Result<void>> FakeBackend::submit(ipc::Submit message, Fd content) {
    if (submit_error) co_return std::unexpected(*submit_error);
    Taken one;
    one.reserved = !content;
    one.content = one.reserved ? read_all(reserved_.get(), 512) : read_all(content.get());
    one.sealed = !one.reserved && (fcntl(content.get(), F_GET_SEALS) & F_SEAL_WRITE) != 0;
    one.message = std::move(message);
    taken.push_back(std::move(one));
    co_return Result<void>();
}

Fixture::Fixture(const std::string& main_cf) : scope(std::make_unique<Scope>()) {
    for (const auto& problem : conf::load_text(settings, std::string(kStranger) + main_cf)) {
        if (problem.level == conf::Problem::Level::error)
            throw std::runtime_error(problem.where_and_what());
    }
    server = std::make_unique<Server>(*scope, settings, backend, "smtp");
}

Fixture::~Fixture() {
    scope->cancel();
    run_until([&] { return scope->running() == 0; });
}

void Fixture::connect() {
    Address address = *Address::from_ip("127.0.0.1");
    Fd listener = *listen_on(address);
    address = local_address(listener.get());
    sockaddr_storage storage;
    const socklen_t size = address.fill(storage);
    client_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(client_.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0)
        throw std::runtime_error("connect");
    fcntl(client_.get(), F_SETFL, O_NONBLOCK);
    ended_ = closed_ = false;
    input_.clear();
    Fd accepted(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    scope->spawn(serve(std::move(accepted)));
}

Task<void> Fixture::serve(Fd socket) {
    {
        Session session(*server, std::move(socket));
        co_await session.run();
    }
    ended_ = true;
}

void Fixture::run_until(const std::function<bool()>& done) {
    loop.run_until(done);
}

bool Fixture::receive() {
    char block[4096];
    const ssize_t n = recv(client_.get(), block, sizeof block, 0);
    if (n > 0) input_.append(block, static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EAGAIN)) closed_ = true;
    return n > 0;
}

void Fixture::send(std::string_view bytes) {
    while (!bytes.empty() && !closed_) {
        const ssize_t n = ::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
        if (n < 0 && errno != EAGAIN) return;
        if (!bytes.empty()) {
            int turns = 0;
            run_until([&] { return ++turns > 3; });
        }
    }
}

bool Fixture::whole_reply(std::size_t& size) const {
    for (std::size_t at = 0; at < input_.size();) {
        const std::size_t end = input_.find("\r\n", at);
        if (end == std::string::npos) return false;
        size = end + 2;
        if (end - at < 4 || input_[at + 3] != '-') return true;
        at = size;
    }
    return false;
}

std::string Fixture::reply() {
    std::size_t size = 0;
    // The loop turns at least each millisecond, so that this socket is looked at too.
    Readiness readable(client_.get());
    run_until([&] {
        while (receive()) {
        }
        return whole_reply(size) || closed_;
    });
    if (!whole_reply(size)) return {};
    std::string text = input_.substr(0, size - 2);
    input_.erase(0, size);
    return text;
}

std::string Fixture::reply_line() {
    Readiness readable(client_.get());
    run_until([&] {
        while (receive()) {
        }
        return closed_ || input_.find("\r\n") != std::string::npos;
    });
    const std::size_t end = input_.find("\r\n");
    if (end == std::string::npos) return {};
    std::string line = input_.substr(0, end);
    input_.erase(0, end + 2);
    return line;
}

std::string Fixture::say(std::string_view line) {
    send(std::string(line) + "\r\n");
    return reply();
}

std::string Fixture::dialogue(const std::vector<std::string>& lines) {
    std::string last;
    for (const std::string& line : lines)
        last = say(line);
    return last;
}

std::string Fixture::mail(std::string_view wire) {
    dialogue(
        {"EHLO client.test", "MAIL FROM:<from@else.test>", "RCPT TO:<user@here.test>", "DATA"});
    send(wire);
    return reply();
}

void Fixture::hang_up() {
    client_.reset();
    closed_ = true;
}

std::string Fixture::farewell() {
    if (client_) {
        Readiness readable(client_.get());
        run_until([&] {
            while (receive()) {
            }
            if (closed_) shutdown(client_.get(), SHUT_WR);  // as a client that heard the end
            return ended_ && closed_;
        });
    } else {
        run_until([&] { return ended_; });
    }
    return std::exchange(input_, {});
}

}  // namespace facteur::smtpd::testing
