#include "tools/facteur/sendmail_server.h"

#include <istream>
#include <ostream>

#include <sysexits.h>

#include "lib/base/text.h"
#include "lib/smtp/address.h"
#include "lib/smtp/command.h"
#include "lib/smtp/parameters.h"

namespace facteur::tool {
namespace {

constexpr std::size_t kMostLine = smtp::kMaxCommandLine;

class Dialogue {
public:
    Dialogue(const StandaloneServer& server, std::istream& in, std::ostream& out)
        : server_(server), in_(in), out_(out) {}

    void run() {
        say("220 " + server_.hostname + " ESMTP " + server_.mail_name);
        for (std::string line; !quit_ && std::getline(in_, line);) {
            if (line.ends_with('\r')) line.pop_back();
            if (line.size() > kMostLine) {
                say("500 5.5.2 Error: line too long");
                continue;
            }
            smtp::Command command = smtp::split_command(line);
            say(reply(to_upper(command.verb), command.arguments));
        }
    }

private:
    std::string reply(const std::string& verb, std::string_view arguments) {
        if (verb == "EHLO" || verb == "HELO") return hello(verb == "EHLO", arguments);
        if (verb == "MAIL") return mail(arguments);
        if (verb == "RCPT") return rcpt(arguments);
        if (verb == "DATA") return data();
        if (verb == "RSET") reset();
        if (verb == "RSET" || verb == "NOOP") return "250 2.0.0 Ok";
        if (verb == "VRFY") return "252 2.0.0 " + printable(arguments, 200);
        if (verb == "HELP") return "214 2.0.0 HELO EHLO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT";
        if (verb != "QUIT") return "500 5.5.2 Error: command not recognized";
        quit_ = true;
        return "221 2.0.0 Bye";
    }

    std::string hello(bool extended, std::string_view name) {
        if (name.empty()) return "501 5.5.4 Syntax: EHLO hostname";
        reset();
        greeted_ = true;
        if (!extended) return "250 " + server_.hostname;
        std::string size = server_.size_limit > 0 ? " " + std::to_string(server_.size_limit) : "";
        return "250-" + server_.hostname + "\r\n250-PIPELINING\r\n250-SIZE" + size +
               "\r\n250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n250-DSN\r\n250 SMTPUTF8";
    }

    // RFC 5321 section 4.1.1.2
    std::string mail(std::string_view arguments) {
        if (!greeted_) return "503 5.5.1 Error: send HELO/EHLO first";
        if (in_transaction_) return "503 5.5.1 Error: nested MAIL command";
        smtp::AddressRules rules;
        rules.utf8 = true;
        if (!smtp::take_keyword(arguments, "FROM:")) return "501 5.5.4 Syntax: MAIL FROM:<address>";
        auto path = smtp::take_path(arguments, rules);
        if (!path) return refuse(path.error());
        smtp::Offered offered;
        offered.auth = false;
        auto parameters = smtp::parse_mail_parameters(arguments, offered);
        if (!parameters) return refuse(parameters.error());
        if (server_.size_limit > 0 && parameters->size.value_or(0) > server_.size_limit) {
            return "552 5.3.4 Message size exceeds fixed limit";
        }
        envelope_.sender = path->internal();
        envelope_.smtputf8 = parameters->smtputf8;
        envelope_.ret = static_cast<spool::Ret>(parameters->ret);
        envelope_.envid = parameters->envid;
        if (parameters->body == smtp::Body::eight_bit_mime) {
            envelope_.body = spool::Body::eight_bit_mime;
        }
        in_transaction_ = true;
        return "250 2.1.0 Ok";
    }

    // RFC 5321 section 4.1.1.3
    std::string rcpt(std::string_view arguments) {
        if (!in_transaction_) return "503 5.5.1 Error: need MAIL command";
        if (std::ssize(envelope_.recipients) >= server_.recipient_limit) {
            return "452 4.5.3 Error: too many recipients";
        }
        smtp::AddressRules rules;
        rules.utf8 = true;
        if (!smtp::take_keyword(arguments, "TO:")) return "501 5.5.4 Syntax: RCPT TO:<address>";
        auto path = smtp::take_path(arguments, rules);
        if (!path) return refuse(path.error());
        if (path->is_null()) return "501 5.1.3 Bad recipient address syntax";
        auto parameters = smtp::parse_rcpt_parameters(arguments);
        if (!parameters) return refuse(parameters.error());
        spool::Recipient recipient;
        recipient.address = path->internal();
        recipient.notify = parameters->notify;
        recipient.orcpt = parameters->orcpt;
        envelope_.recipients.push_back(std::move(recipient));
        return "250 2.1.5 Ok";
    }

    /// The lines up to the dot; false when the input ends before.
    bool read_content(std::string& content, bool& too_large) {
        for (std::string line; std::getline(in_, line);) {
            if (line.ends_with('\r')) line.pop_back();
            if (line == ".") return true;
            std::string_view text = line;
            if (text.starts_with('.')) text.remove_prefix(1);  // RFC 5321 section 4.5.2
            too_large |=
                server_.size_limit > 0 && content.size() + text.size() > server_.size_limit;
            if (!too_large) content.append(text).append("\n");
        }
        return false;
    }

    // RFC 5321 section 4.1.1.4
    std::string data() {
        if (!in_transaction_) return "503 5.5.1 Error: need MAIL command";
        if (envelope_.recipients.empty()) return "554 5.5.1 Error: no valid recipients";
        say("354 End data with <CR><LF>.<CR><LF>");
        std::string content;
        bool too_large = false;
        quit_ = !read_content(content, too_large);
        if (quit_) return "421 4.4.2 Error: the input has ended";
        const int status = too_large ? EX_DATAERR : server_.submit(envelope_, content);
        reset();
        if (too_large) return "552 5.3.4 Error: message file too big";
        if (status == EX_OK) return "250 2.0.0 Ok: queued";
        return status == EX_DATAERR ? "554 5.6.0 Error: the message is not accepted"
                                    : "451 4.3.0 Error: queue file write error";
    }

    static std::string refuse(const Error& error) {
        return (error.is_temporary() ? "451 " : "501 ") + error.status + " " + error.text;
    }
    void reset() {
        envelope_ = spool::Envelope();
        in_transaction_ = false;
    }
    void say(const std::string& reply) { out_ << reply << "\r\n" << std::flush; }

    const StandaloneServer& server_;
    std::istream& in_;
    std::ostream& out_;
    spool::Envelope envelope_;
    bool greeted_ = false;
    bool in_transaction_ = false;
    bool quit_ = false;
};

}  // namespace

void StandaloneServer::serve(std::istream& in, std::ostream& out) const {
    Dialogue dialogue(*this, in, out);
    dialogue.run();
}

}  // namespace facteur::tool
