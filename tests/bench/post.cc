// Sends the messages of a list as fast as a server takes them, over loopback:
//
//   post PORT CONNECTIONS LIST
//
// LIST has a line a message: SENDER RECIPIENT...  Prints how many got their 250 and how long it
// took.

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

struct Message {
    std::string sender;
    std::vector<std::string> recipients;
};

class Client {
public:
    explicit Client(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int on = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        good_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                code() == 220 && command("EHLO client.test\r\n") == 250;
    }
    ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool good() const { return good_; }

    bool send(const Message& message) {
        std::string out = "MAIL FROM:<" + message.sender + ">\r\n";
        for (const std::string& to : message.recipients)
            out += "RCPT TO:<" + to + ">\r\n";
        put(out + "DATA\r\n");
        bool taken = code() == 250;
        for (std::size_t i = 0; i < message.recipients.size(); ++i)
            taken = code() == 250 && taken;
        if (code() != 354) return good_ = false;
        static const std::string filler(1500, 'x');
        return command("From: <" + message.sender + ">\r\nSubject: test\r\n\r\n" + filler +
                       "\r\n.\r\n") == 250 &&
               taken;
    }

private:
    void put(const std::string& out) {
        for (std::size_t at = 0; at < out.size();) {
            ssize_t sent = ::write(fd_, out.data() + at, out.size() - at);
            if (sent <= 0) return;
            at += static_cast<std::size_t>(sent);
        }
    }
    int command(const std::string& out) {
        put(out);
        return code();
    }
    /// Of the next reply; 0: the connection broke.
    int code() {
        for (;;) {
            const std::size_t end = in_.find("\r\n");
            if (end != std::string::npos) {
                std::string line = in_.substr(0, end);
                in_.erase(0, end + 2);
                if (line.size() < 4 || line[3] != '-') return std::atoi(line.c_str());
                continue;
            }
            char block[4096];
            ssize_t got = ::read(fd_, block, sizeof block);
            if (got <= 0) return 0;
            in_.append(block, static_cast<std::size_t>(got));
        }
    }

    int fd_;
    bool good_ = false;
    std::string in_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    std::vector<Message> messages;
    std::ifstream in(argv[3]);
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        Message message;
        words >> message.sender;
        for (std::string to; words >> to;)
            message.recipients.push_back(to);
        messages.push_back(std::move(message));
    }
    std::atomic<std::size_t> next = 0;
    std::atomic<long> accepted = 0;
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (int i = 0; i < std::atoi(argv[2]); ++i) {
        threads.emplace_back([&] {
            Client client(std::atoi(argv[1]));
            while (client.good()) {
                const std::size_t mine = next++;
                if (mine >= messages.size()) break;
                if (client.send(messages[mine])) ++accepted;
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("accepted=%ld seconds=%.3f\n", accepted.load(), took.count());
}
