#include "lib/login/pump.h"

#include "lib/event/errors.h"
#include "lib/event/scope.h"

namespace facteur::login {

namespace {

/// One direction; at its end everything that waits on the connection is woken.
Task<void> carry(Stream& from, Stream& to, Scope& connection) {
    try {
        for (;;) {
            std::string_view block = co_await from.peek();
            std::size_t size = block.size();
            to.put(block);
            from.consume(size);
            co_await to.flush();
        }
    } catch (const Disconnect&) {  // either side: the conversation is over
    }
    connection.cancel();
}

}  // namespace

Task<void> pump(Scope& connection, Stream& client, Stream& mailbox) {
    client.clear_deadline();
    mailbox.clear_deadline();
    Scope other_way;
    other_way.spawn(carry(mailbox, client, connection));
    co_await carry(client, mailbox, connection);
    co_await other_way.join();
    client.close();
    mailbox.close();
}

}  // namespace facteur::login
