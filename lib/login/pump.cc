#include "lib/login/pump.h"

#include "lib/event/errors.h"
#include "lib/event/scope.h"

namespace facteur::login {

namespace {

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

/// A client that ends its half still gets its answers: the mailbox stage sees the end behind the
/// last command, finishes, and closes.
Task<void> carry_questions(Stream& client, Stream& mailbox) {
    try {
        co_await carry(client, mailbox);
    } catch (const Disconnect&) {
    }
    mailbox.end_output();
}

/// The end of the mailbox stage is the end of the session: nobody is left to be asked.
Task<void> carry_answers(Stream& mailbox, Stream& client, Scope& connection) {
    try {
        co_await carry(mailbox, client);
    } catch (const Disconnect&) {
    }
    connection.cancel();
}

}  // namespace

Task<void> pump(Scope& connection, Stream& client, Stream& mailbox) {
    client.clear_deadline();
    mailbox.clear_deadline();
    Scope other_way;
    other_way.spawn(carry_answers(mailbox, client, connection));
    co_await carry_questions(client, mailbox);
    co_await other_way.join();
    client.close();
    mailbox.close();
}

}  // namespace facteur::login
