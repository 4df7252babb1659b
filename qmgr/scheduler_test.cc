#include "qmgr/scheduler.h"

#include <catch2/catch.hpp>

#include "lib/config/load.h"

using namespace facteur;
using namespace facteur::qmgr;

namespace {

/// A transport with a clock, and messages that are nothing but their jobs.
class Yard {
public:
    explicit Yard(const std::string& main_cf = "") : transport("smtp", configured(main_cf)) {}

    Message& message() { return messages.emplace_back(); }
    void add(Message& message, const std::string& destination) {
        auto job = std::make_unique<Job>();
        job->message = &message;
        job->nexthop = job->destination = destination;
        transport.add(std::move(job));
    }
    /// All that may run now.
    std::vector<std::unique_ptr<Job>> all() {
        std::vector<std::unique_ptr<Job>> jobs;
        while (auto job = transport.next())
            jobs.push_back(std::move(job));
        return jobs;
    }
    std::size_t end(const std::vector<std::unique_ptr<Job>>& jobs, Feedback feedback) {
        std::size_t given_up = 0;
        for (const auto& job : jobs)
            given_up += transport.ended(job->destination, feedback).size();
        return given_up;
    }

    Settings settings;
    Loop loop;
    Transport transport;
    std::deque<Message> messages;

private:
    Settings& configured(const std::string& main_cf) {
        auto problems = conf::load_text(settings, main_cf);
        REQUIRE(problems.empty());
        return settings;
    }
};

}  // namespace

TEST_CASE("small messages flow past a large mailing", "[qmgr]") {
    // To one destination, in 200 jobs, and to as many destinations as it has jobs.
    const bool one_destination = GENERATE(true, false);
    const int jobs = one_destination ? 200 : 10000;
    Yard yard;
    Message& mailing = yard.message();
    for (int i = 0; i < jobs; ++i)
        yard.add(mailing, one_destination ? "big.test" : std::to_string(i) + ".test");
    std::vector<Message*> singles;
    for (int i = 0; i < 10; ++i) {
        singles.push_back(&yard.message());
        yard.add(*singles.back(), one_destination ? "big.test" : "other.test");
    }
    int gone = 0;
    int last_single = 0;
    int singles_seen = 0;
    while (auto job = yard.transport.next()) {
        ++gone;
        if (job->message != &mailing) last_single = gone;
        if (job->message != &mailing) ++singles_seen;
        yard.transport.ended(job->destination, Feedback::success);
    }
    CHECK(gone == jobs + 10);
    CHECK(singles_seen == 10);
    CHECK(last_single <= 60);  // ten slots cost fifty jobs, less the loan and the discount
}

TEST_CASE("messages of one size leave in the order in which they came", "[qmgr]") {
    Yard yard;
    for (int i = 0; i < 50; ++i)
        yard.add(yard.message(), std::to_string(i % 10) + ".test");
    std::size_t at = 0;
    for (const auto& job : yard.all())
        CHECK(job->message == &yard.messages[at++]);
    CHECK(at == 50);
}

TEST_CASE("urgent messages leave first, others in their order [RFC 6710 5.1]", "[qmgr]") {
    Yard yard;
    for (int priority : {0, -9, 9, 0, 3}) {
        Message& message = yard.message();
        message.story.envelope.priority = static_cast<std::int8_t>(priority);
        yard.add(message, "one.test");
    }
    std::vector<const Message*> order;
    for (const auto& job : yard.all())
        order.push_back(job->message);
    const std::size_t expected[] = {2, 4, 0, 3, 1};
    REQUIRE(order.size() == 5);
    for (std::size_t i = 0; i < order.size(); ++i)
        CHECK(order[i] == &yard.messages[expected[i]]);
}

TEST_CASE("a destination that is full does not delay the others", "[qmgr]") {
    Yard yard("smtp_initial_destination_concurrency = 2\n");
    for (int i = 0; i < 100; ++i)
        yard.add(yard.message(), "slow.test");
    for (int i = 0; i < 3; ++i)
        yard.add(yard.message(), std::to_string(i) + ".test");
    auto jobs = yard.all();
    REQUIRE(jobs.size() == 5);
    CHECK(jobs[1]->destination == "slow.test");
    CHECK(jobs[2]->destination == "0.test");
}

TEST_CASE("the window grows with success and shrinks with failure", "[qmgr]") {
    auto [main_cf, after_success, after_failure] =
        GENERATE(table<std::string, std::size_t, std::size_t>({
            {"", 20, 19},
            {"smtp_destination_concurrency_limit = 8\n", 8, 7},
            {"default_destination_concurrency_limit = 8\n", 8, 7},
            {"relay_destination_concurrency_limit = 8\n", 20, 19},
            {"default_destination_concurrency_limit = 0\n", 25, 24},
            {"smtp_destination_concurrency_positive_feedback = 0\n", 5, 4},
            {"smtp_destination_concurrency_negative_feedback = 1/concurrency\n", 20, 20},
            {"smtp_destination_concurrency_positive_feedback = 0.5\n", 15, 14},
        }));
    INFO(main_cf);
    Yard yard("default_destination_concurrency_failed_cohort_limit = 0\n" + main_cf);
    for (int i = 0; i < 2000; ++i)
        yard.add(yard.message(), "x.test");
    std::size_t ended = 0;
    std::deque<std::unique_ptr<Job>> running;
    auto fill = [&] {
        for (auto& job : yard.all())
            running.push_back(std::move(job));
    };
    for (fill(); ended < 20; ++ended) {
        yard.transport.ended(running.front()->destination, Feedback::success);
        running.pop_front();
        fill();
    }
    CHECK(running.size() == after_success);
    yard.transport.ended(running.front()->destination, Feedback::failure);
    running.pop_front();
    fill();
    CHECK(running.size() == after_failure);
}

TEST_CASE("a dead destination is left alone, then asked by one job", "[qmgr]") {
    Yard yard("minimal_backoff_time = 100s\n");
    for (int i = 0; i < 20; ++i)
        yard.add(yard.message(), "dead.test");
    auto jobs = yard.all();
    CHECK(jobs.size() == 5);
    CHECK(yard.end(jobs, Feedback::failure) == 15);
    REQUIRE(yard.transport.suspended("dead.test"));
    CHECK_FALSE(yard.transport.suspended("other.test"));
    yard.loop.advance(Seconds(101));
    CHECK_FALSE(yard.transport.suspended("dead.test"));
    for (int i = 0; i < 20; ++i)
        yard.add(yard.message(), "dead.test");
    jobs = yard.all();
    CHECK(jobs.size() == 1);
    const bool lives = GENERATE(true, false);
    CHECK(yard.end(jobs, lives ? Feedback::success : Feedback::failure) == (lives ? 0 : 19));
    CHECK((yard.transport.suspended("dead.test") == nullptr) == lives);
    CHECK(yard.all().size() == (lives ? 6 : 0));  // what began, and one more
}

TEST_CASE("a rate delay lets one delivery go at a time", "[qmgr]") {
    const bool whole_transport = GENERATE(true, false);
    Yard yard(whole_transport ? "smtp_transport_rate_delay = 10s\n"
                              : "smtp_destination_rate_delay = 10s\n");
    for (const char* destination : {"x.test", "x.test", "y.test"})
        yard.add(yard.message(), destination);
    auto jobs = yard.all();
    CHECK(jobs.size() == (whole_transport ? 1 : 2));
    yard.end(jobs, Feedback::success);
    CHECK(yard.all().empty());
    CHECK(yard.transport.next_time() == yard.loop.now() + Seconds(10));
    yard.loop.advance(Seconds(10));
    jobs = yard.all();
    CHECK(jobs.size() == 1);
    yard.end(jobs, Feedback::success);
    yard.loop.advance(Seconds(10));
    CHECK(yard.all().size() == (whole_transport ? 1 : 0));
}

TEST_CASE("with one recipient a delivery, each recipient is a destination", "[qmgr]") {
    Yard yard("smtp_destination_recipient_limit = 1\n");
    CHECK(yard.transport.destination_of("x.test", "a@x.test") !=
          yard.transport.destination_of("x.test", "b@x.test"));
    Yard other;
    CHECK(other.transport.destination_of("x.test", "a@x.test") == "x.test");
}

TEST_CASE("no job is lost when an agent goes away or never comes", "[qmgr]") {
    Yard yard;
    for (int i = 0; i < 10; ++i)
        yard.add(yard.message(), "x.test");
    auto running = yard.all();
    CHECK(running.size() == 5);
    Message* first = running[0]->message;
    yard.transport.add_again(std::move(running[0]));
    auto next = yard.transport.next();
    REQUIRE(next);
    CHECK(next->message == first);
    CHECK(yard.transport.take_all().size() == 5);
    CHECK_FALSE(yard.transport.next());
}

TEST_CASE("feedback as SCHEDULER_README writes it", "[qmgr]") {
    CHECK(parse_growth("1")->at(10) == 1);
    CHECK(parse_growth("0.5 / concurrency")->at(10) == Approx(0.05));
    CHECK(parse_growth("1/sqrt_concurrency")->at(16) == Approx(0.25));
    for (const char* wrong : {"", "x", "-1", "2", "1/", "1/concurrencies", "1x"})
        CHECK_FALSE(parse_growth(wrong));
}
