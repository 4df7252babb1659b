// Closed-loop SMTP and LMTP load with latency percentiles: one thread, epoll, loopback only.
//
//   load -p PORT -s SESSIONS -m MESSAGES -l BYTES [-f FROM] [-t TO_PATTERN] [-n USERS]
//        [-k MESSAGES_PER_CONNECTION (0 = no limit)] [-L (LMTP)] [-T MAX_SECONDS]
//
// TO_PATTERN has one %d, which counts 0..USERS-1.  Prints one line of name=value.

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

struct Options {
    int port = 25;
    std::size_t sessions = 1;
    long messages = 100;
    std::size_t bytes = 2048;
    std::string from = "sender@client.test";
    std::string to = "user%d@example.test";
    long users = 1;
    long per_connection = 1;
    bool lmtp = false;
    double seconds = 120;
};

double now() {
    auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(since).count();
}

enum class State { greeting, hello, mail, rcpt, data, dot, quit };

struct Connection {
    int fd = -1;
    State state = State::greeting;
    std::string in;
    std::string out;
    long sent = 0;
    long number = 0;
    double began = 0;
    bool wants_write = false;
};

class Load {
public:
    explicit Load(Options options) : options_(std::move(options)), epoll_(::epoll_create1(0)) {
        body_ = "From: <" + options_.from +
                ">\r\nTo: <user@example.test>\r\nSubject: bench message\r\n"
                "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <bench@client.test>\r\n\r\n";
        for (std::size_t end = body_.size() + options_.bytes; body_.size() < end;) {
            body_ +=
                "The quick brown fox jumps over the lazy dog, and some mail follows 0123456\r\n";
        }
        body_ += ".\r\n";
    }

    int run() {
        std::vector<Connection> connections(options_.sessions);
        double start = now();
        for (Connection& c : connections)
            open(c);
        std::array<epoll_event, 256> events{};
        while (live_ > 0 && now() - start < options_.seconds && errors_ < 100) {
            int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 200);
            for (int i = 0; i < count; ++i)
                serve(events[static_cast<std::size_t>(i)]);
        }
        report(now() - start);
        return errors_ > 0 ? 1 : 0;
    }

private:
    void open(Connection& c) {
        c = Connection();
        c.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int on = 1;
        ::setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(options_.port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int failed = ::connect(c.fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
        if (failed && errno != EINPROGRESS) {
            std::perror("connect");
            std::exit(1);
        }
        epoll_event event{EPOLLIN, {.ptr = &c}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event);
        ++live_;
    }

    void close(Connection& c) {
        if (c.state != State::quit) complain(c, "closed");
        ::close(c.fd);
        --live_;
        if (started_ < options_.messages) open(c);
    }

    void complain(const Connection& c, std::string_view what) {
        if (++errors_ > 5) return;
        std::fprintf(stderr, "state %d: %.*s\n", static_cast<int>(c.state),
                     static_cast<int>(what.size()), what.data());
    }

    void serve(const epoll_event& event) {
        auto& c = *static_cast<Connection*>(event.data.ptr);
        if (event.events & EPOLLOUT) flush(c);
        if (!(event.events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
        static std::array<char, 65536> buffer;
        ssize_t got = ::read(c.fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) return close(c);
        c.in.append(buffer.data(), static_cast<std::size_t>(got));
        bool over = false;
        for (std::size_t end = c.in.find('\n'); end != std::string::npos; end = c.in.find('\n')) {
            bool last = c.in.size() < 4 || c.in[3] != '-';
            if (last) over = answer(c, c.in.substr(0, end)) || over;
            c.in.erase(0, end + 1);
        }
        flush(c);
        if (over) close(c);
    }

    void flush(Connection& c) {
        while (!c.out.empty()) {
            ssize_t sent = ::write(c.fd, c.out.data(), c.out.size());
            if (sent < 0) break;
            c.out.erase(0, static_cast<std::size_t>(sent));
        }
        if (c.wants_write == !c.out.empty()) return;
        c.wants_write = !c.out.empty();
        epoll_event event{c.wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN, {.ptr = &c}};
        ::epoll_ctl(epoll_, EPOLL_CTL_MOD, c.fd, &event);
    }

    bool begin(Connection& c) {
        if (started_ >= options_.messages) return false;
        c.number = started_++ % options_.users;
        ++c.sent;
        c.began = now();
        c.out += "MAIL FROM:<" + options_.from + ">\r\n";
        c.state = State::mail;
        return true;
    }

    void quit(Connection& c) {
        c.out += "QUIT\r\n";
        c.state = State::quit;
    }

    /// One complete reply; true when the conversation is over.
    bool answer(Connection& c, const std::string& reply) {
        char expected = c.state == State::data ? '3' : '2';
        if (c.state == State::quit) return true;
        if (reply.empty() || reply[0] != expected) {
            complain(c, reply);
            quit(c);
            return false;
        }
        switch (c.state) {
            case State::greeting:
                c.out += options_.lmtp ? "LHLO client.test\r\n" : "EHLO client.test\r\n";
                c.state = State::hello;
                break;
            case State::mail:
                c.out += "RCPT TO:<" + recipient(c) + ">\r\n";
                c.state = State::rcpt;
                break;
            case State::rcpt:
                c.out += "DATA\r\n";
                c.state = State::data;
                break;
            case State::data:
                c.out += body_;
                c.state = State::dot;
                break;
            case State::dot:
                latencies_.push_back((now() - c.began) * 1e3);
                [[fallthrough]];
            default:
                bool full = options_.per_connection > 0 && c.sent >= options_.per_connection;
                if (full || !begin(c)) quit(c);
        }
        return false;
    }

    std::string recipient(const Connection& c) const {
        std::size_t at = options_.to.find("%d");
        if (at == std::string::npos) return options_.to;
        return options_.to.substr(0, at) + std::to_string(c.number) + options_.to.substr(at + 2);
    }

    double percentile(double p) {
        if (latencies_.empty()) return 0;
        std::sort(latencies_.begin(), latencies_.end());
        auto at = static_cast<std::size_t>(static_cast<double>(latencies_.size()) * p);
        return latencies_[std::min(at, latencies_.size() - 1)];
    }

    void report(double seconds) {
        double count = static_cast<double>(latencies_.size());
        std::printf("messages=%zu errors=%ld seconds=%.3f per_s=%.1f p50_ms=%.2f p99_ms=%.2f\n",
                    latencies_.size(), errors_, seconds, count / seconds, percentile(.5),
                    percentile(.99));
    }

    Options options_;
    int epoll_;
    std::string body_;
    long started_ = 0;
    long errors_ = 0;
    long live_ = 0;
    std::vector<double> latencies_;
};

}  // namespace

int main(int argc, char** argv) {
    Options o;
    for (int c = 0; (c = ::getopt(argc, argv, "p:s:m:l:f:t:n:k:LT:")) != -1;) {
        switch (c) {
            case 'p':
                o.port = std::atoi(optarg);
                break;
            case 's':
                o.sessions = static_cast<std::size_t>(std::atol(optarg));
                break;
            case 'm':
                o.messages = std::atol(optarg);
                break;
            case 'l':
                o.bytes = static_cast<std::size_t>(std::atol(optarg));
                break;
            case 'f':
                o.from = optarg;
                break;
            case 't':
                o.to = optarg;
                break;
            case 'n':
                o.users = std::atol(optarg);
                break;
            case 'k':
                o.per_connection = std::atol(optarg);
                break;
            case 'L':
                o.lmtp = true;
                break;
            case 'T':
                o.seconds = std::atof(optarg);
                break;
            default:
                return 2;
        }
    }
    return Load(std::move(o)).run();
}
