// smtpd_proxy_filter: another SMTP server takes the mail before the client hears an answer.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/event/loop.h"
#include "lib/smtp/address.h"
#include "lib/smtp/xtext.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

namespace {

std::string attribute(std::string_view name, std::string_view value) {
    std::string text(name);
    if (value == "[TEMPUNAVAIL]") return text.append("=").append(value);
    return text + "=" + (value.empty() ? "[UNAVAILABLE]" : smtp::xtext_encode(value));
}

}  // namespace

bool Session::is_proxied() const {
    return !settings_.filters.proxy_filter().empty();
}

/// Whether the proxy filter hears of the message only when all of it is here.
bool Session::adjusts_speed() const {
    for (const std::string& option : settings_.filters.proxy_options())
        if (option == "speed_adjust") return true;
    return false;
}

/// From whom the mail comes, as XFORWARD has it; what a proxy before us said goes on.
std::vector<std::string> Session::proxy_attributes() const {
    Forwarded from = forwarded_;
    if (!from.given) {
        from.name = client_.name;
        if (from.name == "unknown") from.name = client_.name_temporary ? "[TEMPUNAVAIL]" : "";
        from.address =
            client_.address.family() == Address::Family::ipv6 ? "IPV6:" + client_.ip : client_.ip;
        from.port = std::to_string(client_.address.port());
        from.protocol = client_.protocol(transaction_->parameters.smtputf8);
        from.helo = client_.helo;
        from.ident = transaction_->queue_id;
        from.source = is_among(settings_.rewrite_clients()) ? "LOCAL" : "REMOTE";
    }
    std::vector<std::string> all;
    all.push_back(attribute("NAME", from.name));
    all.push_back(attribute("ADDR", from.address));
    all.push_back(attribute("PORT", from.port));
    all.push_back(attribute("HELO", from.helo));
    all.push_back(attribute("IDENT", from.ident));
    all.push_back(attribute("PROTO", from.protocol));
    all.push_back(attribute("SOURCE", from.source));
    return all;
}

Reply Session::proxy_failure(const Error& error) {
    log_warning("problem talking to proxy " + settings_.filters.proxy_filter() + ": " + error.text);
    proxy_.reset();
    return Reply{451, "4.3.0", "Error: queue file write error"};
}

/// Connects, greets, names the sender; what the filter says against it is for the client.
Task<std::optional<Reply>> Session::open_proxy() {
    const FilterSettings& filters = settings_.filters;
    std::string place = filters.proxy_filter();
    if (!place.starts_with("inet:") && !place.starts_with("unix:")) place = "inet:" + place;
    const TimePoint deadline = Loop::current().now() + filters.proxy_timeout();
    Result<Fd> socket = co_await server_.backend.connect(std::move(place), deadline);
    if (!socket) co_return proxy_failure(socket.error());
    proxy_ = std::make_unique<ProxyFilter>(stream_.scope(), *std::move(socket),
                                           Milliseconds(filters.proxy_timeout()));
    Result<void> greeted = co_await proxy_->greet(filters.proxy_ehlo(), proxy_attributes());
    if (!greeted) co_return proxy_failure(greeted.error());
    Result<Reply> reply = co_await proxy_->mail(transaction_->sender, transaction_->parameters);
    if (!reply) co_return proxy_failure(reply.error());
    co_return proxy_refusal(*std::move(reply), "MAIL");
}

/// In Postfix's words: the queue id of such a message is the filter's.
void Session::log_proxy(std::string_view what, std::string_view verb, const Reply& reply) const {
    std::string line(what);
    line.append(": ").append(verb).append(": ").append(smtp::to_line(reply)).append("; from=<");
    line.append(smtp::to_external(transaction_->sender)).append("> to=<");
    if (!transaction_->recipients.empty())
        line.append(smtp::to_external(transaction_->recipients.front().address));
    line.append("> proto=").append(client_.protocol(transaction_->parameters.smtputf8));
    log_info(line.append(" helo=<").append(client_.helo).append(">"));
}

/// A reply that does not let the mail go on; it is the client's, too.
std::optional<Reply> Session::proxy_refusal(Reply reply, std::string_view verb) {
    if (reply.is_positive()) return std::nullopt;
    if (!reply.is_temporary() && !reply.is_permanent())
        reply = Reply{451, "4.3.0", "Error: queue file write error"};
    log_proxy("proxy-reject", verb, reply);
    return reply;
}

Task<std::optional<Reply>> Session::proxy_recipient(ipc::SubmitRecipient recipient) {
    if (!proxy_) {
        std::optional<Reply> refusal = co_await open_proxy();
        if (refusal) {
            proxy_.reset();
            co_return refusal;
        }
    }
    smtp::RcptParameters parameters;
    parameters.notify = recipient.notify;
    parameters.orcpt = std::move(recipient.orcpt);
    Result<Reply> reply =
        co_await proxy_->recipient(std::move(recipient.address), std::move(parameters));
    if (!reply) co_return proxy_failure(reply.error());
    co_return proxy_refusal(*std::move(reply), "RCPT");
}

/// The whole message goes to the filter; its answer is ours.
Task<Reply> Session::hand_to_proxy() {
    const Transaction& transaction = *transaction_;
    if (adjusts_speed()) {
        for (const ipc::SubmitRecipient& recipient : transaction.recipients) {
            std::optional<Reply> refusal = co_await proxy_recipient(recipient);
            if (refusal) co_return *std::move(refusal);
        }
    }
    if (!proxy_) {
        Error gone = temporary("connection lost before").error();
        co_return proxy_failure(gone);
    }
    Result<Reply> reply = co_await proxy_->content(transaction.content->source());
    if (!reply) co_return proxy_failure(reply.error());
    std::optional<Reply> refusal = proxy_refusal(*reply, "END-OF-MESSAGE");
    if (refusal) co_return *std::move(refusal);
    log_proxy("proxy-accept", "END-OF-MESSAGE", *reply);
    forwarded_ = Forwarded();
    errors_ = junk_ = 0;
    co_return *std::move(reply);
}

}  // namespace facteur::smtpd
