#include "imapd/command_reader.h"

#include "lib/imap/append.h"

namespace facteur::imapd {

Task<std::string> CommandReader::rest_of_line() {
    Line line = co_await stream_.read_line(limit_);
    received_ += line.text.size() + 2;
    co_return std::move(line.text);
}

Task<Incoming> CommandReader::next() {
    Incoming incoming;
    for (;;) {
        Line line = co_await stream_.read_line(limit_ - incoming.text.size());
        received_ += line.text.size() + 2;
        incoming.text += line.text;
        if (line.too_long) {
            incoming.error = "Command line too long.";
            co_return incoming;
        }
        auto mark = imap::trailing_literal(line.text);
        if (!mark || imap::is_append_message(incoming.text)) co_return incoming;
        co_await literal(mark->size, mark->synchronizing, incoming);
        if (!incoming.error.empty()) co_return incoming;
    }
}

Task<void> CommandReader::literal(std::uint64_t size, bool synchronizing, Incoming& incoming) {
    // Room for the line end and at least one more octet.
    std::size_t used = incoming.text.size() + 3;
    if (used > limit_ || size > limit_ - used) {
        incoming.error = "Literal too large.";
        // RFC 7888 section 4: a client that does not wait sends it all the same.
        incoming.fatal = !synchronizing;
        co_return;
    }
    if (synchronizing) {
        stream_.put("+ OK\r\n");
        co_await stream_.flush();
    }
    incoming.text += "\r\n";
    incoming.text += co_await stream_.read_exactly(static_cast<std::size_t>(size));
    received_ += size;
}

}  // namespace facteur::imapd
