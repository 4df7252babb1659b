#include "lib/event/timers.h"

#include <algorithm>
#include <memory>
#include <random>

#include <catch2/catch.hpp>

using namespace facteur;

namespace {

class Noted : public Timer {
public:
    Noted(TimePoint deadline, std::vector<TimePoint>& log) : Timer(deadline), log_(log) {}
    void expired() override { log_.push_back(deadline()); }

private:
    std::vector<TimePoint>& log_;
};

}  // namespace

TEST_CASE("timers expire in order, whatever was removed before", "[event]") {
    std::mt19937 random(7);
    std::vector<TimePoint> log;
    std::vector<std::unique_ptr<Noted>> all;
    Timers timers;
    for (int i = 0; i < 1000; ++i) {
        TimePoint when(std::chrono::seconds(random() % 500));
        all.push_back(std::make_unique<Noted>(when, log));
        timers.add(*all.back());
    }
    std::vector<TimePoint> expected;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (i % 3 == 0) {
            timers.remove(*all[i]);
            timers.remove(*all[i]);  // twice is once
        } else {
            expected.push_back(all[i]->deadline());
        }
    }
    std::sort(expected.begin(), expected.end());
    CHECK(timers.earliest() == expected.front());
    timers.expire(TimePoint(std::chrono::seconds(250)));
    CHECK(std::all_of(log.begin(), log.end(), [](TimePoint t) {
        return t.time_since_epoch() <= std::chrono::seconds(250);
    }));
    timers.expire(TimePoint(std::chrono::seconds(500)));
    CHECK(log == expected);
    CHECK(timers.earliest() == kNever);
}
