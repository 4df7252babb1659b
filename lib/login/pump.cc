#include "lib/login/pump.h"

#include "lib/event/errors.h"
#include "lib/event/loop.h"
#include "lib/event/scope.h"
#include "lib/event/sleep.h"

namespace facteur::login {

namespace {

/// How long a client may take to end its half once it has heard everything.
constexpr Milliseconds kParting(5000);

/// One direction, until its source has no more to say or its target is gone.
Task<void> carry(Stream& from, Stream& to) {
    for (;;) {
        std::string_view block = co_await from.peek();
        std::size_t size = block.size();
        to.put(block);
        from.consume(size);
        co_await to.flush();
    }
}

/// Reads on to the client's own end.  To close while it still says something (its close_notify at
/// least) would reset the connection, and what it has not received yet would be lost.
Task<void> discard(Stream& client) {
    for (;;) {
        std::string_view block = co_await client.peek();
        client.consume(block.size());
    }
}

/// A client that ends its half still gets its answers: the mailbox stage sees the end behind the
/// last command, finishes, and closes.
Task<void> carry_questions(Stream& client, Stream& mailbox, Scope& waiting) {
    try {
        co_await carry(client, mailbox);
    } catch (const Disconnect&) {
    }
    try {
        co_await mailbox.end_output();
        co_await discard(client);
    } catch (const Disconnect&) {
    }
    waiting.cancel();
}

/// The end of the mailbox stage is the end of the session.  The client has a while to end, too.
Task<void> carry_answers(Stream& mailbox, Stream& client, Scope& connection, Scope& waiting) {
    try {
        co_await carry(mailbox, client);
    } catch (const Disconnect&) {
    }
    try {
        client.set_deadline(kParting);
        co_await client.end_output();
        co_await Sleep(waiting, kParting);
    } catch (const Disconnect&) {
    }
    connection.cancel();
}

}  // namespace

Task<void> pump(Scope& connection, Stream& client, Stream& mailbox) {
    client.clear_deadline();
    mailbox.clear_deadline();
    Scope waiting;
    Scope other_way;
    other_way.spawn(carry_answers(mailbox, client, connection, waiting));
    co_await carry_questions(client, mailbox, waiting);
    co_await other_way.join();
    client.close();
    mailbox.close();
}

}  // namespace facteur::login
