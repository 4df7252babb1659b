// RFC 1985: a host that is not always connected asks for its mail.
#include "lib/base/log.h"
#include "lib/base/text.h"
#include "lib/smtp/domain.h"
#include "smtpd/session.h"

namespace facteur::smtpd {

using smtp::Reply;

// RFC 2034 section 4: the replies here are of a time before enhanced codes; Postfix has none
// either. RFC 1985 section 5: "@domain" means its subdomains too.  "#queue" names a queue of ours,
// which are not by name: it is read as a domain, as Postfix does.
Task<Reply> Session::do_etrn(std::string arguments) {
    if (settings_.helo_required() && client_.helo.empty())
        co_return Reply{503, "", "Error: send HELO/EHLO first"};
    if (transaction_) co_return Reply{503, "", "Error: MAIL transaction in progress"};
    if (arguments.empty() || arguments.find(' ') != std::string::npos)
        co_return Reply{500, "", "Syntax: ETRN domain"};
    ipc::FlushDestination order;
    order.subdomains = arguments.front() == '@';
    if (arguments.front() == '@' || arguments.front() == '#') arguments.erase(0, 1);
    if (!smtp::is_domain(arguments) && !smtp::is_address_literal(arguments))
        co_return Reply{501, "", "Error: invalid parameter syntax"};
    order.domain = to_lower(arguments);
    Facts facts(client_, "ETRN");
    facts.premature = premature_;
    facts.etrn = order.domain;
    std::optional<Reply> refusal = co_await server_.gate.etrn(facts);
    if (refusal) co_return refused(facts, *std::move(refusal));
    ipc::Match question;
    question.list = "fast_flush_domains";
    question.patterns = settings_.commands.flush_domains();
    question.name = order.domain;
    Result<bool> ours = co_await server_.backend.matches(std::move(question));
    // RFC 1985 section 5.3: 459 where that is not done for this domain, 458 where it cannot be.
    Reply unable{458, "", "Unable to queue messages for " + order.domain};
    if (!ours) co_return unable;
    if (!*ours) {
        log_warning("reject: ETRN " + order.domain + " from " + client_.text());
        co_return Reply{459, "", '<' + order.domain + ">: service unavailable"};
    }
    Result<void> done = co_await server_.backend.flush(std::move(order));
    if (!done) co_return unable;
    co_return Reply{250, "", "Queuing started"};
}

}  // namespace facteur::smtpd
