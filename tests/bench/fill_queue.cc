// Fills a queue that nobody runs with deferred messages:
//
//     fill_queue SPOOL COUNT DOMAINS SECONDS [DOMAIN]
//
// COUNT messages of 1 KB to DOMAINS domains, due in the next SECONDS seconds but the first minute;
// with DOMAIN, to as many users (u0, u1, …) of it.
// Nothing is flushed: it is as if the machine had come up with them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "lib/spool/message_file.h"
#include "lib/spool/queue_id.h"

using namespace facteur;

namespace {

class Unflushed : public spool::Files {
public:
    Result<void> flush(int) override { return {}; }
    Result<void> flush_folder(const std::string&) override { return {}; }
};

bool write_one(spool::Files& files, std::uint64_t number, const std::string& to, std::int64_t due) {
    static const std::string content = "Subject: waits\r\n\r\n" + std::string(1000, 'x') + "\r\n";
    spool::Envelope envelope;
    envelope.sender = "sender" + std::to_string(number % 1000) + "@example.test";
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    envelope.arrival = now / std::chrono::microseconds(1) - 3600'000'000;
    envelope.size = content.size();
    spool::Recipient recipient;
    recipient.address = to;
    envelope.recipients.push_back(recipient);
    spool::Step step((spool::Story(envelope)), due - 1000);
    spool::Progress progress;
    progress.status = "4.4.1";
    progress.text = "connect to far.test[192.0.2.1]:25: Connection timed out";
    step.fate(0, progress);
    step.next_attempt(due);
    const std::vector<std::string> steps{step.text()};
    const std::string id = spool::make_queue_id();
    spool::NewFile file{id, content, &envelope, &steps, due};
    return spool::write_file(files, file, spool::deferred_path(id)).has_value();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5 || argc > 6 || ::chdir(argv[1]) != 0) return 2;
    const std::string domain = argc == 6 ? argv[5] : "";
    const auto count = std::strtoull(argv[2], nullptr, 10);
    const auto domains = std::strtoull(argv[3], nullptr, 10);
    const auto seconds = std::strtoull(argv[4], nullptr, 10);
    const auto now = static_cast<std::int64_t>(::time(nullptr));
    Unflushed files;
    for (std::uint64_t i = 0; i < count; ++i) {
        auto later = static_cast<std::int64_t>(60 + i * 7919 % std::max(1ull, seconds));
        std::string to = "user@far" + std::to_string(i % domains) + ".test";
        if (!domain.empty()) to = "u" + std::to_string(i) + "@" + domain;
        if (!write_one(files, i, to, now + later)) return 1;
    }
    return 0;
}
