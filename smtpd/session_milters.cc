// What milters hear of a session, and what they make of it.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/smtp/parameters.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using milter::Verdict;
using smtp::Reply;

namespace {

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> all;
    for (const std::string_view word : words(text, " "))
        all.emplace_back(word);
    return all;
}

std::string in_brackets(const std::string& address) {
    return "<" + smtp::to_external(address) + ">";
}

}  // namespace

/// The milters for this client: smtpd_milter_maps wins over smtpd_milters.
Task<Result<std::vector<milter::Spec>>> Session::choose_milters() {
    const FilterSettings& filters = settings_.filters;
    std::vector<std::string> list = filters.milters();
    if (!filters.milter_maps().empty()) {
        ipc::Lookup question;
        question.tables = filters.milter_maps();
        question.key = client_.ip;
        CO_TRY(auto own, co_await server_.backend.lookup(std::move(question)));
        if (own) list = conf::parse_list(*own);
    }
    if (list.size() == 1 && iequals(list.front(), "DISABLE")) list.clear();
    co_return milter::parse_specs(list, filters.milter);
}

/// Sendmail has an address in brackets for a client without a name.
std::string Session::milter_name() const {
    if (client_.name != "unknown") return client_.name;
    const bool is_ipv6 = client_.address.family() == Address::Family::ipv6;
    return (is_ipv6 ? "[IPv6:" : "[") + client_.ip + "]";
}

/// Connects to the milters of this session; they stay with it, through STARTTLS too.
Task<std::optional<Reply>> Session::greet_milters() {
    std::optional<Reply> refusal;
    milters_.reset();
    const FilterSettings& filters = settings_.filters;
    if (filters.milters().empty() && filters.milter_maps().empty()) co_return refusal;
    if (filters.leaves_out("no_milters")) co_return refusal;
    auto specs = co_await choose_milters();
    if (!specs) {
        log_warning("milters: " + specs.error().text);
        refusal = Reply{451, "4.3.5", "Server configuration error"};
        co_return refusal;
    }
    if (specs->empty()) co_return refusal;
    milter::Macros macros = [this](std::string_view name) { return macro(name); };
    milter::Connect connect = [this](std::string place, TimePoint deadline) {
        return server_.backend.connect(std::move(place), deadline);
    };
    milters_ = std::make_unique<milter::Chain>(stream_.scope(), *std::move(specs), filters.milter,
                                               std::move(macros), std::move(connect),
                                               settings_.message_size_limit());
    Verdict verdict =
        co_await milters_->connect(milter::connect_data(milter_name(), client_.address));
    Facts facts(client_, "CONNECT");
    refusal = heed(std::move(verdict), facts);
    // RFC 5321 section 3.1 has 554 as the greeting of a server that takes no mail; what is only for
    // now is said again at the next command.
    if (refusal && refusal->is_permanent()) denied_ = true;
    if (refusal && refusal->is_temporary() && !quit_) refusal.reset();
    co_return refusal;
}

/// What is left of a verdict for the client: a refusal, or nothing.
std::optional<Reply> Session::heed(Verdict verdict, const Facts& facts) {
    Reply reply{verdict.reply.code, std::move(verdict.reply.status), std::move(verdict.reply.text)};
    switch (verdict.kind) {
        case Verdict::Kind::go_on:
            return std::nullopt;
        case Verdict::Kind::discard:
            if (transaction_) transaction_->effects.discard = true;
            log_info(event_line(facts, "milter-discard", "milter triggers DISCARD action"));
            return std::nullopt;
        case Verdict::Kind::quarantine:
            if (transaction_ && !transaction_->effects.hold) {
                transaction_->effects.hold = true;
                if (verdict.reason.empty()) verdict.reason = "milter triggers HOLD action";
                log_info(event_line(facts, "milter-hold", verdict.reason));
            }
            return std::nullopt;
        case Verdict::Kind::shutdown:
            quit_ = true;
            break;
        case Verdict::Kind::refuse:
            break;
    }
    log_info(refusal_line(facts, "milter-reject", reply));
    return reply;
}

Task<std::optional<Reply>> Session::milters_on_helo(const Facts& facts) {
    if (!milters_) co_return std::nullopt;
    std::optional<Reply> refusal = heed(co_await milters_->helo(client_.helo), facts);
    // As Sendmail and Postfix: HELO gets its 250, and each command after it the milter's reply.
    if (refusal && !quit_) refusal.reset();
    co_return refusal;
}

std::optional<Reply> Session::milters_standing(std::string_view verb) {
    if (!milters_) return std::nullopt;
    return heed(milters_->standing(), facts(verb));
}

Task<std::optional<Reply>> Session::milters_on_mail(const Facts& facts) {
    if (!milters_) co_return std::nullopt;
    if (milters_->wants_macro(milter::Stage::mail, "{mail_mailer}")) {
        mail_route_ = co_await route(transaction_->sender);
    }
    std::vector<std::string> parameters = words_of(smtp::to_text(transaction_->parameters));
    std::string address = in_brackets(transaction_->sender);
    co_return heed(co_await milters_->mail(std::move(address), std::move(parameters)), facts);
}

Task<ipc::Destination> Session::route(std::string address) {
    ipc::Destination nowhere;
    nowhere.recipient = address;
    if (address.empty()) co_return nowhere;
    auto found = co_await server_.backend.route(transaction_->sender, std::move(address));
    if (found) co_return *std::move(found);
    co_return nowhere;
}

Task<std::optional<Reply>> Session::milters_on_recipient(const ipc::SubmitRecipient& recipient,
                                                         const Facts& facts) {
    if (!milters_) co_return std::nullopt;
    rcpt_route_ = ipc::Destination();
    rcpt_route_.recipient = recipient.address;
    if (milters_->wants_macro(milter::Stage::recipient, "{rcpt_mailer}"))
        rcpt_route_ = co_await route(recipient.address);
    smtp::RcptParameters parameters;
    parameters.notify = recipient.notify;
    parameters.orcpt = recipient.orcpt;
    std::vector<std::string> rest = words_of(smtp::to_text(parameters));
    std::string address = in_brackets(recipient.address);
    co_return heed(co_await milters_->recipient(std::move(address), std::move(rest)), facts);
}

/// As Sendmail does: {rcpt_mailer} is "error", and the others say why.
Task<void> Session::milters_on_rejected(std::string recipient, Reply why) {
    if (!milters_ || !milters_->wants_rejected_recipients()) co_return;
    rcpt_route_.transport = "error";
    rcpt_route_.nexthop = why.status;
    rcpt_route_.recipient = smtp::to_line(why);
    std::vector<std::string> none;
    co_await milters_->rejected_recipient(in_brackets(recipient), std::move(none));
}

Task<std::optional<Reply>> Session::milters_on_data(const Facts& facts) {
    if (!milters_) co_return std::nullopt;
    co_return heed(co_await milters_->data(), facts);
}

Task<std::optional<Reply>> Session::milters_on_unknown(std::string line) {
    if (!milters_) co_return std::nullopt;
    const Facts facts = this->facts("UNKNOWN");
    co_return heed(co_await milters_->unknown(std::move(line)), facts);
}

/// The content and the envelope, as the checks left them.
Task<std::optional<Reply>> Session::milters_on_message(cleanup::Letter& letter,
                                                       const Facts& facts) {
    if (!milters_ || letter.pass) co_return std::nullopt;
    co_return heed(co_await milters_->message(letter), facts);
}

/// The transaction is over, one way or another.
void Session::end_transaction() {
    transaction_.reset();
    if (proxy_) proxy_->quit();
    proxy_.reset();
    mail_route_ = rcpt_route_ = ipc::Destination();
    if (milters_) milters_->end_message();
}

/// Macros about the client and the server.
std::string Session::client_macro(std::string_view name) const {
    if (name == "_") {
        std::string text = client_.reverse_name + " [" + client_.ip + "]";
        if (client_.name != client_.reverse_name) text += " (may be forged)";
        return text;
    }
    if (name == "j") return settings_.myhostname();
    if (name == "v") return settings_.filters.milter.macro_v();
    if (name == "{daemon_name}") return settings_.filters.milter.daemon_name();
    if (name == "{daemon_addr}") return client_.server.ip();
    if (name == "{daemon_port}") return std::to_string(client_.server.port());
    if (name == "{client_addr}") return client_.ip;
    if (name == "{client_connections}") return std::to_string(connections_);
    if (name == "{client_name}") return client_.name;
    if (name == "{client_port}") return std::to_string(client_.address.port());
    if (name == "{client_ptr}") return client_.reverse_name;
    if (name != "{client_resolve}") return {};
    if (client_.name != "unknown") return "OK";
    if (client_.name_temporary) return "TEMP";
    return client_.reverse_name == "unknown" ? "FAIL" : "FORGED";
}

/// sendmail's macros, as Postfix gives them (MILTER_README).
std::string Session::macro(std::string_view name) const {
    if (name == "{tls_version}") return client_.tls_protocol;
    if (name == "{cipher}") return client_.tls_cipher;
    if (name == "{cipher_bits}") return client_.tls ? std::to_string(client_.tls_bits) : "";
    const TlsInfo* tls = stream_.tls();
    if (name == "{cert_subject}") return tls ? tls->peer_name : "";
    if (name == "{cert_issuer}") return tls ? tls->issuer_name : "";
    if (name == "{auth_authen}") return client_.login;
    if (name == "{auth_type}") return client_.mechanism;
    std::string value;
    if (transaction_) {
        if (name == "i") value = transaction_->queue_id;
        if (name == "{auth_author}") value = transaction_->parameters.auth.value_or("");
        if (name == "{mail_addr}") value = smtp::to_external(transaction_->sender);
        if (name == "{mail_host}") value = mail_route_.nexthop;
        if (name == "{mail_mailer}") value = mail_route_.transport;
        if (name == "{rcpt_addr}") value = rcpt_route_.recipient;
        if (name == "{rcpt_host}") value = rcpt_route_.nexthop;
        if (name == "{rcpt_mailer}") value = rcpt_route_.transport;
    }
    if (value.empty()) value = client_macro(name);
    if (!value.empty()) return value;
    const auto& defaults = settings_.filters.milter.macro_defaults();
    for (const auto& [known, text] : milter::parse_macro_defaults(defaults)) {
        if (known == name) return text;
    }
    return value;
}

}  // namespace facteur::smtpd
