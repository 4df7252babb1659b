// An SMTP server that takes and forgets: counts messages, loopback only, one thread, epoll.
//
//   sink -p PORT -m MESSAGES [-T MAX_SECONDS]
//
// Ends when it has MESSAGES messages (or the time is over) and prints how many came.

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::string_view kEnd = "\r\n.\r\n";

struct Session {
    int fd = -1;
    bool in_data = false;
    std::size_t chunk_left = 0;  ///< BDAT
    bool chunk_last = false;
    std::string in;
    std::string out = "220 sink.test ESMTP\r\n";
};

class Sink {
public:
    Sink(int port, long wanted) : wanted_(wanted), epoll_(::epoll_create1(0)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        int on = 1;
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            ::listen(listener_, 1024) != 0) {
            std::perror("sink");
            std::exit(1);
        }
        epoll_event event{EPOLLIN, {.ptr = nullptr}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
    }

    void run(double seconds) {
        auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
        std::array<epoll_event, 128> events{};
        while (count_ < wanted_ && std::chrono::steady_clock::now() < end) {
            int got = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 200);
            for (int i = 0; i < got; ++i) {
                auto* session = static_cast<Session*>(events[static_cast<std::size_t>(i)].data.ptr);
                session ? serve(*session) : accept();
            }
        }
        std::printf("sink=%ld\n", count_);
    }

private:
    void accept() {
        int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
        if (fd < 0) return;
        int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto* session = new Session;
        session->fd = fd;
        epoll_event event{EPOLLIN, {.ptr = session}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
        flush(*session);
    }

    /// Replies are a few bytes: a peer that does not read them is not worth waiting for.
    static void flush(Session& s) {
        [[maybe_unused]] ssize_t sent = ::write(s.fd, s.out.data(), s.out.size());
        s.out.clear();
    }

    void serve(Session& s) {
        static std::array<char, 262144> buffer;
        ssize_t got = ::read(s.fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            ::close(s.fd);
            delete &s;
            return;
        }
        s.in.append(buffer.data(), static_cast<std::size_t>(got));
        while (step(s)) {
        }
        if (!s.out.empty()) flush(s);
    }

    void took(Session& s) {
        ++count_;
        s.out += "250 2.0.0 Ok\r\n";
    }

    /// One command, the end of DATA, or a chunk; false when more input is needed.
    bool step(Session& s) {
        if (s.chunk_left > 0) {
            std::size_t have = std::min(s.chunk_left, s.in.size());
            s.in.erase(0, have);
            s.chunk_left -= have;
            if (s.chunk_left > 0) return false;
            s.chunk_last ? took(s) : void(s.out += "250 2.0.0 Ok\r\n");
            return true;
        }
        if (s.in_data) {
            std::size_t end = s.in.find(kEnd);
            if (end == std::string::npos) {
                if (s.in.size() > kEnd.size()) s.in.erase(0, s.in.size() - kEnd.size());
                return false;
            }
            s.in.erase(0, end + kEnd.size());
            s.in_data = false;
            took(s);
            return true;
        }
        std::size_t end = s.in.find("\r\n");
        if (end == std::string::npos) return false;
        command(s, s.in.substr(0, end));
        s.in.erase(0, end + 2);
        return true;
    }

    static void command(Session& s, const std::string& line) {
        if (line.starts_with("DATA")) {
            s.in_data = true;
            s.out += "354 go\r\n";
        } else if (line.starts_with("BDAT ")) {
            s.chunk_left = std::strtoul(line.c_str() + 5, nullptr, 10);
            s.chunk_last = line.ends_with("LAST");
        } else if (line.starts_with("EHLO")) {
            s.out +=
                "250-sink.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n";
        } else if (line.starts_with("QUIT")) {
            s.out += "221 2.0.0 Bye\r\n";
        } else {
            s.out += "250 2.0.0 Ok\r\n";
        }
    }

    long wanted_;
    long count_ = 0;
    int epoll_;
    int listener_;
};

}  // namespace

int main(int argc, char** argv) {
    int port = 10026;
    long wanted = 1;
    double seconds = 120;
    for (int c = 0; (c = ::getopt(argc, argv, "p:m:T:")) != -1;) {
        switch (c) {
            case 'p':
                port = std::atoi(optarg);
                break;
            case 'm':
                wanted = std::atol(optarg);
                break;
            case 'T':
                seconds = std::atof(optarg);
                break;
            default:
                return 2;
        }
    }
    Sink(port, wanted).run(seconds);
}
