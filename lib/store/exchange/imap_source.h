#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "lib/event/scope.h"
#include "lib/net/tls.h"
#include "lib/store/exchange/source.h"

namespace facteur::store::exchange {

/// Another IMAP server, and who one is there.
struct ImapServer {
    std::string host;
    std::uint16_t port = 0;
    std::string user;
    std::string password;
    enum class Security { tls, starttls, none } security = Security::tls;
    bool verified = true;  ///< the server's certificate must be right
};
/// "imaps://user@host:port", "imap://user@host" (STARTTLS), percent-encoded.
Result<ImapServer> parse_imap_url(std::string_view url);

/// All mailboxes of that user, read without changing a flag.  The scope must outlive it.
std::unique_ptr<Source> open_imap(Scope& scope, ImapServer server);

/// What one line of a server says: atoms, strings and lists (as nested text) in their order.
/// "* 3 FETCH (UID 5 FLAGS (\\Seen) BODY[] {2}" with its literals put where they belong.
struct ImapItem {
    enum class Kind { atom, text, list } kind = Kind::atom;
    std::string text;
    std::vector<ImapItem> items;
};
/// Literals stand in the line as "{N}" CRLF and their bytes.  An Error when it cannot be read.
Result<std::vector<ImapItem>> parse_imap_line(std::string_view line);

}  // namespace facteur::store::exchange
