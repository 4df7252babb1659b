#include "smtpd/proxy_filter.h"

#include <algorithm>

#include "lib/base/text.h"
#include "lib/event/errors.h"
#include "lib/smtp/address.h"
#include "lib/smtp/transparency.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace {

/// RFC 5321 section 4.5.3.1.4 has 512 bytes for a command.
constexpr std::size_t kLongestCommand = 500;

}  // namespace

ProxyFilter::ProxyFilter(Scope& scope, Fd socket, Milliseconds timeout)
    : stream_(scope, std::move(socket)), timeout_(timeout) {}

bool ProxyFilter::offers(std::string_view keyword) const {
    return std::any_of(offered_.begin(), offered_.end(),
                       [&](std::string_view line) { return iequals(take_word(line), keyword); });
}

bool ProxyFilter::takes_attribute(std::string_view name) const {
    for (std::string_view line : offered_) {
        if (!iequals(take_word(line), "XFORWARD")) continue;
        for (const std::string_view each : words(line)) {
            if (iequals(each, name)) return true;
        }
    }
    return false;
}

Task<Result<Reply>> ProxyFilter::read() {
    smtp::ReplyReader reader;
    for (;;) {
        const Line line = co_await stream_.read_line(smtp::ReplyReader::kMaxLine);
        CO_TRY(bool last, reader.add(line.text));
        if (last) co_return reader.take();
    }
}

/// A command and its reply; an empty one waits for the greeting.
Task<Result<Reply>> ProxyFilter::ask(std::string line) {
    std::string failure;
    try {
        stream_.set_deadline(timeout_);
        if (!line.empty()) stream_.put(line + "\r\n");
        co_await stream_.flush();
        co_return co_await read();
    } catch (const Cancelled&) {
        throw;
    } catch (const TimedOut&) {
        failure = "timeout";
    } catch (const Disconnect&) {
        failure = "lost connection";
    }
    co_return temporary(failure + " after " + (line.empty() ? "CONNECT" : line.substr(0, 4)));
}

Task<Result<void>> ProxyFilter::greet(std::string name, std::vector<std::string> attributes) {
    CO_TRY(Reply greeting, co_await ask(std::string()));
    if (!greeting.is_positive()) co_return temporary(smtp::to_line(greeting));
    CO_TRY(Reply hello, co_await ask("EHLO " + name));
    if (!hello.is_positive()) co_return temporary(smtp::to_line(hello));
    for (const std::string_view line : split(std::as_const(hello.text), '\n'))
        offered_.emplace_back(line);
    std::string command;
    attributes.emplace_back();  // the end
    for (const std::string& attribute : attributes) {
        if (!attribute.empty() && !takes_attribute(attribute.substr(0, attribute.find('='))))
            continue;
        const bool full = command.size() + attribute.size() > kLongestCommand;
        if (!command.empty() && (attribute.empty() || full)) {
            CO_TRY(Reply taken, co_await ask("XFORWARD" + command));
            if (!taken.is_positive()) co_return temporary(smtp::to_line(taken));
            command.clear();
        }
        if (!attribute.empty()) command += " " + attribute;
    }
    co_return Result<void>();
}

Task<Result<Reply>> ProxyFilter::mail(std::string sender, smtp::MailParameters parameters) {
    if (!offers("SIZE")) parameters.size.reset();
    if (!offers("8BITMIME")) parameters.body = smtp::Body::unspecified;
    if (!offers("SMTPUTF8")) parameters.smtputf8 = false;
    if (!offers("AUTH")) parameters.auth.reset();
    if (!offers("DSN")) {
        parameters.ret = smtp::Ret::unspecified;
        parameters.envid.clear();
    }
    co_return co_await ask("MAIL FROM:<" + smtp::to_external(sender) + ">" +
                           smtp::to_text(parameters));
}

Task<Result<Reply>> ProxyFilter::recipient(std::string address, smtp::RcptParameters parameters) {
    if (!offers("DSN")) parameters = smtp::RcptParameters();
    co_return co_await ask("RCPT TO:<" + smtp::to_external(address) + ">" +
                           smtp::to_text(parameters));
}

Task<Result<void>> ProxyFilter::send(checks::Source source) {
    std::string failure;
    try {
        smtp::DotEncoder encoder;
        std::string block;
        std::string wire;
        for (std::uint64_t at = 0; at < source.size; at += block.size()) {
            block.resize(std::min(checks::kBlock, source.size - at));
            CO_TRY_VOID(checks::read_at(source.fd, block, source.base + at));
            wire.clear();
            encoder.encode(block, wire);
            stream_.set_deadline(timeout_);
            stream_.put(wire);
            co_await stream_.flush();
        }
        wire.clear();
        encoder.finish(wire);
        stream_.put(wire);
        co_return Result<void>();
    } catch (const Cancelled&) {
        throw;
    } catch (const TimedOut&) {
        failure = "timeout";
    } catch (const Disconnect&) {
        failure = "lost connection";
    }
    co_return temporary(failure + " while sending the content");
}

Task<Result<Reply>> ProxyFilter::content(checks::Source source) {
    CO_TRY(Reply go_ahead, co_await ask("DATA"));
    if (!go_ahead.is_intermediate()) co_return go_ahead;
    CO_TRY_VOID(co_await send(source));
    co_return co_await ask(std::string());
}

void ProxyFilter::quit() {
    stream_.put("QUIT\r\n");
    stream_.close();
}

}  // namespace facteur::smtpd
