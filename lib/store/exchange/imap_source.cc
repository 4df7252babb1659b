#include "lib/store/exchange/imap_source.h"

#include <algorithm>

#include <netdb.h>

#include "lib/base/text.h"
#include "lib/net/socket.h"
#include "lib/net/stream.h"
#include "lib/store/exchange/imap_line.h"

namespace facteur::store::exchange {
namespace {

constexpr std::size_t kLongestLine = 1 << 20;
constexpr std::uint64_t kLargestLiteral = std::uint64_t{1} << 30;
constexpr Seconds kPatience{300};
/// So many messages are asked for at a time.
constexpr std::size_t kBatch = 50;

/// RFC 3501 section 4.3: what needs no literal, since no user or mailbox holds CR or LF.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c != '\r' && c != '\n' && c != 0) out += c;
    }
    return out + '"';
}

Result<Address> look_up(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (code != 0) return temporary(host + ": " + ::gai_strerror(code));
    Address address = Address::from(found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    return address;
}

class ImapSource : public Source {
public:
    ImapSource(Scope& scope, ImapServer server) : scope_(scope), server_(std::move(server)) {}

    Task<Result<std::vector<SourceMailbox>>> mailboxes() override;
    Task<Result<void>> read(SourceMailbox& mailbox, const Have& have, const Take& take) override;

private:
    using Items = std::vector<ImapItem>;
    Task<Result<void>> log_in();
    Task<Result<void>> start_tls();
    Task<Result<Items>> line();
    /// The untagged answers to a command; each goes to `hear`.
    Task<Result<void>> ask(std::string command, std::function<Task<Result<void>>(Items)> hear);
    Task<Result<void>> ask(std::string command);
    Task<Result<std::vector<std::uint32_t>>> uids();

    Scope& scope_;
    const ImapServer server_;
    std::unique_ptr<TlsClient> tls_;
    std::unique_ptr<Stream> stream_;
    unsigned tag_ = 0;
};

Task<Result<std::vector<ImapItem>>> ImapSource::line() {
    std::string text;
    for (;;) {
        stream_->set_deadline(kPatience);
        Line part = co_await stream_->read_line(kLongestLine);
        if (part.too_long) co_return temporary("the server sends a line without end");
        text += part.text;
        auto literal = literal_at_end(part.text);
        if (!literal) break;
        if (*literal > kLargestLiteral) co_return temporary("the server sends too large a literal");
        text += "\r\n";
        text += co_await stream_->read_exactly(static_cast<std::size_t>(*literal));
    }
    co_return parse_imap_line(text);
}

Task<Result<void>> ImapSource::ask(std::string command,
                                   std::function<Task<Result<void>>(Items)> hear) {
    const std::string tag = "a" + std::to_string(++tag_);
    const std::string verb = command.substr(0, command.find(' '));
    stream_->put(tag + " " + command + "\r\n");
    co_await stream_->flush();
    Result<void> heard;
    for (;;) {
        CO_TRY(Items items, co_await line());
        if (items.size() < 2) continue;
        if (items[0].text == tag) {
            if (!heard) co_return heard;
            if (iequals(items[1].text, "OK")) co_return Result<void>();
            std::string why;
            for (std::size_t i = 1; i < items.size(); ++i)
                why += (why.empty() ? "" : " ") + items[i].text;
            co_return permanent(server_.host + " refuses " + verb + ": " + printable(why));
        }
        if (iequals(items[1].text, "BYE")) {
            if (!iequals(verb, "LOGOUT")) co_return temporary(server_.host + " closes");
        }
        if (items[0].text == "*" && heard && hear) heard = co_await hear(std::move(items));
    }
}

Task<Result<void>> ImapSource::ask(std::string command) {
    std::function<Task<Result<void>>(Items)> nobody;
    co_return co_await ask(std::move(command), std::move(nobody));
}

Task<Result<void>> ImapSource::start_tls() {
    TlsClientOptions options;
    CO_TRY(tls_, TlsClient::create(options));
    TlsClientWish wish;
    wish.sni = server_.host;
    wish.level =
        server_.verified ? TlsClientWish::Level::verify : TlsClientWish::Level::opportunistic;
    wish.names.push_back(server_.host);
    auto done = co_await stream_->start_tls(*tls_, std::move(wish));
    if (!done) co_return temporary("TLS with " + server_.host + ": " + done.error().text);
    const TlsInfo* info = stream_->tls();
    if (server_.verified && info && info->trust != TlsInfo::Trust::verified)
        co_return permanent("the certificate of " + server_.host + " is not right: " + info->why);
    co_return Result<void>();
}

Task<Result<void>> ImapSource::log_in() {
    if (stream_) co_return Result<void>();
    CO_TRY(Address address, look_up(server_.host, server_.port));
    CO_TRY(Fd socket, co_await connect_to(scope_, address));
    stream_ = std::make_unique<Stream>(scope_, std::move(socket));
    stream_->set_deadline(kPatience);
    if (server_.security == ImapServer::Security::tls) {
        CO_TRY_VOID(co_await start_tls());
    }
    CO_TRY(Items greeting, co_await line());
    if (greeting.size() < 2 || iequals(greeting[1].text, "BYE"))
        co_return temporary(server_.host + " does not want to talk");
    if (server_.security == ImapServer::Security::starttls) {
        CO_TRY_VOID(co_await ask("STARTTLS"));
        CO_TRY_VOID(co_await start_tls());
    }
    std::string command = "LOGIN " + quoted(server_.user) + " " + quoted(server_.password);
    co_return co_await ask(std::move(command));
}

Task<Result<std::vector<SourceMailbox>>> ImapSource::mailboxes() {
    CO_TRY_VOID(co_await log_in());
    std::vector<SourceMailbox> out;
    std::vector<std::string> subscribed;
    std::function<Task<Result<void>>(Items)> hear = [&](Items items) -> Task<Result<void>> {
        return hear_listed(std::move(items), out, subscribed);
    };
    CO_TRY_VOID(co_await ask("LIST \"\" \"*\"", hear));
    CO_TRY_VOID(co_await ask("LSUB \"\" \"*\"", hear));
    for (SourceMailbox& mailbox : out)
        mailbox.subscribed =
            std::find(subscribed.begin(), subscribed.end(), mailbox.where) != subscribed.end();
    co_return out;
}

Task<Result<std::vector<std::uint32_t>>> ImapSource::uids() {
    std::vector<std::uint32_t> out;
    std::function<Task<Result<void>>(Items)> hear = [&](Items items) -> Task<Result<void>> {
        return hear_search(std::move(items), out);
    };
    CO_TRY_VOID(co_await ask("UID SEARCH ALL", hear));
    std::sort(out.begin(), out.end());
    co_return out;
}

/// EXAMINE and BODY.PEEK: nothing changes there (RFC 3501 sections 6.3.2 and 6.4.5).
Task<Result<void>> ImapSource::read(SourceMailbox& mailbox, const Have& have, const Take& take) {
    CO_TRY_VOID(co_await log_in());
    std::function<Task<Result<void>>(Items)> state = [&](Items items) -> Task<Result<void>> {
        return hear_selected(std::move(items), mailbox);
    };
    std::string examine = "EXAMINE " + quoted(mailbox.where);
    CO_TRY_VOID(co_await ask(std::move(examine), state));
    if (mailbox.messages == 0) co_return Result<void>();
    CO_TRY(auto all, co_await uids());
    std::erase_if(all, [&have](std::uint32_t uid) { return have(uid); });
    std::function<Task<Result<void>>(Items)> message = [&](Items items) -> Task<Result<void>> {
        return hear_message(std::move(items), take);
    };
    for (std::size_t at = 0; at < all.size(); at += kBatch) {
        std::string set;
        for (std::size_t i = at; i < std::min(all.size(), at + kBatch); ++i)
            set += (set.empty() ? "" : ",") + std::to_string(all[i]);
        std::string fetch = "UID FETCH " + set + " (UID FLAGS INTERNALDATE BODY.PEEK[])";
        CO_TRY_VOID(co_await ask(std::move(fetch), message));
    }
    co_return Result<void>();
}

}  // namespace

Result<ImapServer> parse_imap_url(std::string_view url) {
    ImapServer out;
    if (url.starts_with("imaps://")) {
        out.port = 993;
    } else if (url.starts_with("imap://")) {
        out.port = 143;
        out.security = ImapServer::Security::starttls;
    } else {
        return permanent("no IMAP URL: " + printable(url));
    }
    url.remove_prefix(url.find("//") + 2);
    while (url.ends_with('/'))
        url.remove_suffix(1);
    const std::size_t at = url.rfind('@');
    if (at == std::string_view::npos) return permanent("the URL names no user");
    std::string_view user = url.substr(0, at);
    std::string_view host = url.substr(at + 1);
    if (const std::size_t colon = user.find(':'); colon != std::string_view::npos) {
        out.password = percent_decode(user.substr(colon + 1));
        user = user.substr(0, colon);
    }
    out.user = percent_decode(user);
    if (const std::size_t colon = host.rfind(':');
        colon != std::string_view::npos && !host.ends_with(']')) {
        auto port = parse_number(host.substr(colon + 1));
        if (!port || *port == 0 || *port > 65535) return permanent("no port in the URL");
        out.port = static_cast<std::uint16_t>(*port);
        host = host.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    out.host = host;
    if (out.host.empty() || out.user.empty()) return permanent("the URL names no host or user");
    return out;
}

std::unique_ptr<Source> open_imap(Scope& scope, ImapServer server) {
    return std::make_unique<ImapSource>(scope, std::move(server));
}

}  // namespace facteur::store::exchange
