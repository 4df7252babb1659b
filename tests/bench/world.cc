// A small Internet on loopback: a name server, and mail servers of all kinds on addresses of their
// own (127.x.y.z), in one thread.
//
//   world SMTP_PORT DNS_PORT PLAN RECORD
//
// PLAN has lines
//   mx DOMAIN PREFERENCE HOST     ("." for a null MX)
//   a HOST ADDRESS
//   dns NAME nxdomain|servfail|silent
//   host ADDRESS KIND MILLISECONDS    (of latency for each answer; kinds: see kKinds)
// RECORD gets a line for whatever happened that a test wants to know:
//   taken RECIPIENT    its 250 went out           doubt RECIPIENT   it came, and no 250 went out
//   told RECIPIENT     a notice about it came     connections ADDRESS NUMBER   at the end (TERM)

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <queue>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t ended = 0;

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

// --- names ---------------------------------------------------------------------------------------

/// Answers A and MX over UDP (RFC 1035); the plan is small enough for one packet an answer.
class Names {
public:
    void mx(const std::string& domain, int preference, const std::string& host) {
        mx_[domain].emplace_back(preference, host == "." ? "" : host);
    }
    void a(const std::string& host, const std::string& address) { a_[host].push_back(address); }
    void fault(const std::string& name, const std::string& kind) { faults_[name] = kind; }

    /// Empty: say nothing.
    std::string answer(std::string_view question) const {
        constexpr std::size_t kHeader = 12;
        if (question.size() < kHeader + 5) return {};
        std::string name;
        std::size_t at = kHeader;
        while (at < question.size() && question[at] != 0) {
            auto length = static_cast<std::size_t>(question[at]);
            if (length > 63 || at + length + 1 >= question.size()) return {};
            if (!name.empty()) name += '.';
            name += question.substr(at + 1, length);
            at += length + 1;
        }
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        if (at + 5 > question.size()) return {};
        const int type = static_cast<unsigned char>(question[at + 1]) << 8 |
                         static_cast<unsigned char>(question[at + 2]);
        return reply(question.substr(0, at + 5), name, type);
    }

private:
    static void number16(std::string& out, std::size_t value) {
        out += static_cast<char>(value >> 8 & 0xFF);
        out += static_cast<char>(value & 0xFF);
    }
    static std::string wire(const std::string& name) {
        std::string out;
        std::istringstream in(name);
        for (std::string label; std::getline(in, label, '.');)
            out += static_cast<char>(label.size()) + label;
        return out + '\0';
    }
    static void record(std::string& out, int type, const std::string& data) {
        out += "\xC0\x0C";  // the name of the question
        number16(out, static_cast<std::size_t>(type));
        number16(out, 1);
        out += std::string("\0\0\x0E\x10", 4);
        number16(out, data.size());
        out += data;
    }
    std::string reply(std::string_view head, const std::string& name, int type) const {
        auto fault = faults_.find(name);
        if (fault != faults_.end() && fault->second == "silent") return {};
        std::string body;
        std::size_t count = 0;
        auto mx = mx_.find(name);
        auto a = a_.find(name);
        if (type == 15 && mx != mx_.end()) {
            for (const auto& [preference, host] : mx->second) {
                std::string data;
                number16(data, static_cast<std::size_t>(preference));
                record(body, type, data + wire(host));
                ++count;
            }
        }
        if (type == 1 && a != a_.end()) {
            for (const std::string& address : a->second) {
                in_addr ip{};
                ::inet_aton(address.c_str(), &ip);
                record(body, type, std::string(reinterpret_cast<const char*>(&ip), sizeof ip));
                ++count;
            }
        }
        std::size_t code = mx == mx_.end() && a == a_.end() ? 3 : 0;
        if (fault != faults_.end()) code = fault->second == "servfail" ? 2 : 3;
        std::string out(head.substr(0, 2));
        number16(out, 0x8580 | code);
        number16(out, 1);
        number16(out, code == 0 ? count : 0);
        number16(out, 0);
        number16(out, 0);
        out += head.substr(12);
        return code == 0 ? out + body : out;
    }

    std::unordered_map<std::string, std::vector<std::pair<int, std::string>>> mx_;
    std::unordered_map<std::string, std::vector<std::string>> a_;
    std::unordered_map<std::string, std::string> faults_;
};

// --- mail servers --------------------------------------------------------------------------------

enum class Kind {
    good,
    blackhole,     // no connection ever comes about
    mute,          // connects, and no greeting
    slow,          // greets after a second, then is good
    busy,          // greets with 421
    closed,        // greets with 554
    hangs_up,      // closes at once
    later_mail,    // 451 to MAIL
    later_rcpt,    // 450 to RCPT
    never_rcpt,    // 550 to RCPT
    vanishing,     // 421 to RCPT, and closes
    later_data,    // 451 after the dot
    never_data,    // 554 after the dot
    grey,          // 450 to the first RCPT of each recipient
    drops_dot,     // closes after the dot, at the first message to every tenth recipient
    stalls_dot,    // says nothing after the dot, likewise
    drops_middle,  // closes while the message comes, likewise
    choosy         // 550 to recipients with an odd last digit
};
const std::map<std::string, Kind> kKinds = {
    {"good", Kind::good},
    {"blackhole", Kind::blackhole},
    {"mute", Kind::mute},
    {"slow", Kind::slow},
    {"busy", Kind::busy},
    {"closed", Kind::closed},
    {"hangs_up", Kind::hangs_up},
    {"later_mail", Kind::later_mail},
    {"later_rcpt", Kind::later_rcpt},
    {"never_rcpt", Kind::never_rcpt},
    {"vanishing", Kind::vanishing},
    {"later_data", Kind::later_data},
    {"never_data", Kind::never_data},
    {"grey", Kind::grey},
    {"drops_dot", Kind::drops_dot},
    {"stalls_dot", Kind::stalls_dot},
    {"drops_middle", Kind::drops_middle},
    {"choosy", Kind::choosy},
};

struct Host {
    std::string address;
    Kind kind = Kind::good;
    std::chrono::milliseconds latency{0};
    int listener = -1;
    long connections = 0;
    std::unordered_set<std::string> seen;  ///< recipients that had their first time
};

struct Session {
    Host* host = nullptr;
    int fd = -1;
    unsigned long number = 0;
    std::string in;
    std::string out;
    bool waiting = false;  ///< answers are under way
    bool in_data = false;
    bool from_nobody = false;
    bool closing = false;
    bool silent = false;
    std::vector<std::string> recipients;
};

class World {
public:
    World(int port, int dns_port, const char* plan, const char* record)
        : record_(std::fopen(record, "w")), epoll_(::epoll_create1(0)), port_(port) {
        if (!record_) fail(record);
        names_fd_ = open_names(dns_port);
        std::ifstream in(plan);
        for (std::string line; std::getline(in, line);)
            take(line);
        for (auto& host : hosts_)
            open(*host);
    }

    void run() {
        std::array<epoll_event, 512> events{};
        auto flushed = Clock::now();
        while (!ended) {
            int got = ::epoll_wait(epoll_, events.data(), events.size(), until_next());
            for (int i = 0; i < got; ++i)
                handle(events[static_cast<std::size_t>(i)].data.u64);
            fire();
            if (Clock::now() - flushed > std::chrono::milliseconds(50)) {
                std::fflush(record_);
                flushed = Clock::now();
            }
        }
        for (auto& host : hosts_)
            std::fprintf(record_, "connections %s %ld\n", host->address.c_str(), host->connections);
        std::fclose(record_);
    }

private:
    static constexpr std::uint64_t kSession = 1ULL << 62;

    void take(const std::string& line) {
        std::istringstream words(line);
        std::string what;
        std::string first;
        words >> what >> first;
        if (what == "mx") {
            int preference = 0;
            std::string host;
            words >> preference >> host;
            names_.mx(first, preference, host);
        } else if (what == "a") {
            std::string address;
            words >> address;
            names_.a(first, address);
        } else if (what == "dns") {
            std::string kind;
            words >> kind;
            names_.fault(first, kind);
        } else if (what == "host") {
            auto host = std::make_unique<Host>();
            std::string kind;
            long latency = 0;
            words >> kind >> latency;
            host->address = first;
            host->kind = kKinds.at(kind);
            host->latency = std::chrono::milliseconds(latency);
            hosts_.push_back(std::move(host));
        }
    }

    static sockaddr_in address_of(const std::string& ip, int port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        ::inet_aton(ip.c_str(), &address.sin_addr);
        return address;
    }

    int open_names(int port) {
        int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        sockaddr_in address = address_of("127.0.0.1", port);
        if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address)) fail("name server");
        epoll_event event{EPOLLIN, {.u64 = 0}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
        return fd;
    }

    void open(Host& host) {
        host.listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        int on = 1;
        ::setsockopt(host.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in address = address_of(host.address, port_);
        const bool dead = host.kind == Kind::blackhole;
        if (::bind(host.listener, reinterpret_cast<sockaddr*>(&address), sizeof address) ||
            ::listen(host.listener, dead ? 0 : 1024)) {
            fail(host.address.c_str());
        }
        if (dead) {
            // With its queue full the kernel drops what asks for a connection.
            for (int i = 0; i < 2; ++i) {
                int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
                (void)::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
            }
            return;
        }
        by_listener_.push_back(&host);
        epoll_event event{EPOLLIN, {.u64 = by_listener_.size()}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, host.listener, &event);
    }

    void handle(std::uint64_t what) {
        if (what == 0) {
            name_question();
        } else if (what & kSession) {
            auto found = sessions_.find(what & ~kSession);
            if (found != sessions_.end()) read(*found->second);
        } else {
            accept(*by_listener_[what - 1]);
        }
    }

    void name_question() {
        std::array<char, 1500> packet{};
        sockaddr_in from{};
        socklen_t size = sizeof from;
        for (;;) {
            ssize_t got = ::recvfrom(names_fd_, packet.data(), packet.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
            if (got <= 0) return;
            std::string reply =
                names_.answer(std::string_view(packet.data(), static_cast<std::size_t>(got)));
            if (reply.empty()) continue;
            (void)::sendto(names_fd_, reply.data(), reply.size(), 0,
                           reinterpret_cast<sockaddr*>(&from), size);
        }
    }

    // Time: what is due at which moment for which session.
    using Due = std::pair<Clock::time_point, unsigned long>;

    int until_next() const {
        if (due_.empty()) return 50;
        auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(due_.top().first - Clock::now());
        return static_cast<int>(std::clamp<long>(left.count() + 1, 0, 50));
    }
    void fire() {
        while (!due_.empty() && due_.top().first <= Clock::now()) {
            auto found = sessions_.find(due_.top().second);
            due_.pop();
            if (found == sessions_.end()) continue;
            found->second->waiting = false;
            send(*found->second);
        }
    }
    void send_later(Session& s, std::chrono::milliseconds delay) {
        if (s.waiting) return;
        s.waiting = true;
        due_.emplace(Clock::now() + delay, s.number);
    }

    void accept(Host& host) {
        int fd = ::accept4(host.listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (fd < 0) return;
        ++host.connections;
        if (host.kind == Kind::hangs_up) {
            ::close(fd);
            return;
        }
        int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto session = std::make_unique<Session>();
        Session& s = *session;
        s.host = &host;
        s.fd = fd;
        s.number = ++last_;
        sessions_[s.number] = std::move(session);
        epoll_event event{EPOLLIN, {.u64 = s.number | kSession}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
        auto delay = host.latency;
        if (host.kind == Kind::mute) {
            s.silent = true;
            return;
        }
        if (host.kind == Kind::slow) delay += std::chrono::seconds(1);
        s.out = "220 server.test ESMTP\r\n";
        if (host.kind == Kind::busy) s.out = "421 4.3.2 too busy\r\n";
        if (host.kind == Kind::closed) s.out = "554 5.3.2 no mail here\r\n";
        s.closing = host.kind == Kind::busy || host.kind == Kind::closed;
        send_later(s, delay);
    }

    void send(Session& s) {
        if (!s.silent) (void)!::write(s.fd, s.out.data(), s.out.size());  // a few bytes only
        s.out.clear();
        if (s.closing) close(s);
    }

    void close(Session& s) {
        ::close(s.fd);
        sessions_.erase(s.number);
    }

    void read(Session& s) {
        static std::array<char, 262144> buffer;
        ssize_t got = ::read(s.fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            close(s);
            return;
        }
        s.in.append(buffer.data(), static_cast<std::size_t>(got));
        while (step(s)) {
        }
        if (s.closing && s.out.empty()) {
            close(s);
        } else if (!s.out.empty() || s.closing) {
            send_later(s, s.host->latency);
        }
    }

    bool step(Session& s) {
        if (s.closing || s.silent) return false;
        if (s.in_data) {
            const std::size_t end = s.in.find("\r\n.\r\n");
            if (s.host->kind == Kind::drops_middle && first_time(s)) {
                s.closing = true;
                return false;
            }
            if (end == std::string::npos) return false;
            s.in_data = false;
            content(s, s.in.substr(0, end));
            s.in.erase(0, end + 5);
            return true;
        }
        const std::size_t end = s.in.find("\r\n");
        if (end == std::string::npos) return false;
        std::string line = s.in.substr(0, end);
        s.in.erase(0, end + 2);
        command(s, line);
        return true;
    }

    static std::string inside(const std::string& line) {
        const std::size_t open = line.find('<');
        const std::size_t close = line.find('>');
        if (open == std::string::npos || close == std::string::npos) return {};
        return line.substr(open + 1, close - open - 1);
    }

    /// The first message to a recipient whose name ends in 0: were it all of them, the host would
    /// look dead.
    static bool first_time(Session& s) {
        if (s.recipients.empty() || s.recipients[0].find("0@") == std::string::npos) return false;
        return s.host->seen.insert(s.recipients[0]).second;
    }

    void command(Session& s, const std::string& line) {
        if (line.starts_with("EHLO")) {
            s.out +=
                "250-server.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
                "250 ENHANCEDSTATUSCODES\r\n";
        } else if (line.starts_with("MAIL")) {
            s.recipients.clear();
            s.from_nobody = inside(line).empty();
            const bool later = s.host->kind == Kind::later_mail;
            s.out += later ? "451 4.3.0 not now\r\n" : "250 2.1.0 Ok\r\n";
        } else if (line.starts_with("RCPT")) {
            recipient(s, inside(line));
        } else if (line.starts_with("DATA")) {
            s.in_data = !s.recipients.empty();
            s.out += s.in_data ? "354 go\r\n" : "554 5.5.1 no valid recipients\r\n";
        } else if (line.starts_with("QUIT")) {
            s.out += "221 2.0.0 Bye\r\n";
            s.closing = true;
        } else {
            s.out += "250 2.0.0 Ok\r\n";
        }
    }

    void recipient(Session& s, const std::string& address) {
        std::string reply = "250 2.1.5 Ok\r\n";
        const std::size_t at = address.find('@');
        const bool odd = at != std::string::npos && at > 0 && (address[at - 1] - '0') % 2 == 1;
        if (s.host->kind == Kind::later_mail) reply = "503 5.5.1 MAIL first\r\n";
        if (s.host->kind == Kind::later_rcpt) reply = "450 4.2.1 not now\r\n";
        if (s.host->kind == Kind::never_rcpt) reply = "550 5.1.1 nobody here\r\n";
        if (s.host->kind == Kind::choosy && odd) reply = "550 5.1.1 nobody here\r\n";
        if (s.host->kind == Kind::grey && s.host->seen.insert(address).second) {
            reply = "450 4.7.1 greylisted\r\n";
        }
        if (s.host->kind == Kind::vanishing) {
            reply = "421 4.3.2 I go\r\n";
            s.closing = true;
        }
        s.out += reply;
        if (reply[0] == '2') s.recipients.push_back(address);
    }

    void content(Session& s, const std::string& text) {
        const Kind kind = s.host->kind;
        if (kind == Kind::later_data || kind == Kind::never_data) {
            s.out += kind == Kind::later_data ? "451 4.3.0 not now\r\n" : "554 5.6.0 bad\r\n";
            return;
        }
        if ((kind == Kind::drops_dot || kind == Kind::stalls_dot) && first_time(s)) {
            for (const std::string& address : s.recipients)
                std::fprintf(record_, "doubt %s\n", address.c_str());
            s.closing = kind == Kind::drops_dot;
            s.silent = kind == Kind::stalls_dot;
            return;
        }
        for (const std::string& address : s.recipients)
            std::fprintf(record_, "taken %s\n", address.c_str());
        if (s.from_nobody) notice(text);
        s.out += "250 2.0.0 Ok\r\n";
    }

    /// RFC 3464: which recipients failed.
    void notice(const std::string& text) {
        constexpr std::string_view kField = "\r\nFinal-Recipient: rfc822;";
        std::size_t at = text.find(kField);
        while (at != std::string::npos) {
            at += kField.size();
            std::size_t end = text.find('\r', at);
            std::string address = text.substr(at, end - at);
            address.erase(0, address.find_first_not_of(' '));
            std::fprintf(record_, "told %s\n", address.c_str());
            at = text.find(kField, at);
        }
    }

    std::FILE* record_;
    int epoll_;
    int port_;
    int names_fd_ = -1;
    Names names_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::vector<Host*> by_listener_;
    std::unordered_map<unsigned long, std::unique_ptr<Session>> sessions_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    unsigned long last_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGTERM, [](int) { ended = 1; });
    World(std::atoi(argv[1]), std::atoi(argv[2]), argv[3], argv[4]).run();
}
