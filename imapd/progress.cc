#include "imapd/progress.h"

#include "lib/event/loop.h"
#include "lib/event/yield.h"

namespace facteur::imapd {

namespace {

/// The others' turn after so many steps, each of some microseconds.
constexpr std::uint64_t kTurn = 128;

}  // namespace

Progress::Progress(Output& out, std::string tag, Milliseconds interval)
    : out_(out),
      tag_(std::move(tag)),
      interval_(interval),
      next_(Loop::current().now() + interval) {}

Task<void> Progress::step(std::uint64_t done, std::uint64_t total) {
    if (done % kTurn == 0) co_await Yield();
    if (Loop::current().now() < next_) co_return;
    next_ = Loop::current().now() + interval_;
    // RFC 9585 section 4: done is less than what is to be done.
    std::string line = "* OK [INPROGRESS (\"" + tag_ + "\" " + std::to_string(done);
    line += done < total ? " " + std::to_string(total) + ")]" : " NIL)]";
    out_.put(line + " Still at it.\r\n");
    co_await out_.flush();
}

}  // namespace facteur::imapd
