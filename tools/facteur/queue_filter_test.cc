#include "tools/facteur/queue_filter.h"

#include <catch2/catch.hpp>

#include "lib/base/text.h"

using namespace facteur;
using namespace facteur::tool;

namespace {

constexpr std::int64_t kNow = 1'000'000;

/// The filter that these options make.
struct Wanted {
    explicit Wanted(const std::string& options) : line("test") {
        filter.add_options(line.command());
        std::vector<std::string> words{"test"};
        for (std::string_view word : facteur::words(options, " "))
            words.emplace_back(word);
        std::vector<char*> pointers;
        for (std::string& word : words)
            pointers.push_back(word.data());
        REQUIRE_FALSE(line.parse(static_cast<int>(pointers.size()), pointers.data()));
    }
    CommandLine line;
    QueueFilter filter;
};

ipc::QueueEntry entry() {
    ipc::QueueEntry entry;
    entry.client_name = "mx.far.test";
    entry.client_address = "192.0.2.7";
    entry.login = "anna";
    entry.sender = "Anna@example.org";
    entry.arrival = (kNow - 3600) * 1000000;
    entry.size = 5000;
    entry.place = ipc::QueuePlace::deferred;
    ipc::QueueRecipient waits;
    waits.address = "b@Far.test";
    waits.text = "Connection refused";
    ipc::QueueRecipient done;
    done.address = "c@near.test";
    done.fate = 1;
    entry.recipients = {waits, done};
    return entry;
}

}  // namespace

TEST_CASE("a filter wants all of its conditions", "[facteur]") {
    auto [options, expected] = GENERATE(table<std::string, bool>({
        {"", true},
        {"--sender anna@example.org", true},
        {"--sender *@example.org", true},
        {"--sender *@example.com", false},
        {"--domain far.test", true},
        {"--domain near.test", false},  // that one has it already
        {"--recipient b@*", true},
        {"--client 192.0.2.*", true},
        {"--client MX.far.test", true},
        {"--client anna", true},
        {"--client other", false},
        {"--older 59m", true},
        {"--older 1h", false},
        {"--younger 2h", true},
        {"--younger 30m", false},
        {"--larger 4k", true},
        {"--larger 5k", false},
        {"--smaller 5k", true},
        {"--reason refused", true},
        {"--reason timeout", false},
        {"--place deferred", true},
        {"--place hold", false},
        {"--domain far.test --reason refused --older 59m", true},
        {"--domain far.test --reason refused --older 2h", false},
    }));
    INFO(options);
    Wanted wanted(options);
    REQUIRE(wanted.filter.settle());
    CHECK(wanted.filter.is_set() == !options.empty());
    CHECK(wanted.filter.matches(entry(), kNow) == expected);
}

TEST_CASE("a filter that cannot be read is refused", "[facteur]") {
    for (const char* options : {"--older soon", "--larger much", "--place elsewhere"}) {
        Wanted wanted(options);
        CHECK_FALSE(wanted.filter.settle());
    }
}

TEST_CASE("the table counts waiting recipients by domain and age, as qshape does", "[facteur]") {
    AgeTable table(false);
    for (int i = 0; i < 3; ++i)
        table.add(entry(), kNow);
    ipc::QueueEntry young = entry();
    young.arrival = kNow * 1000000;
    young.recipients[0].address = "x@other.test";
    table.add(young, kNow);
    CHECK(table.text(0) ==
          "               T     5    10    20    40    80   160   320   640  1280 1280+\n"
          "     TOTAL     4     1     0     0     0     3     0     0     0     0     0\n"
          "  far.test     3     0     0     0     0     3     0     0     0     0     0\n"
          "other.test     1     1     0     0     0     0     0     0     0     0     0\n");
    CHECK(table.text(1).find("other.test") == std::string::npos);
    AgeTable senders(true);
    senders.add(entry(), kNow);
    CHECK(senders.text(0).find("example.org     1") != std::string::npos);
}
