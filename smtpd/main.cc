/*++
NAME
    smtpd - Facteur's SMTP server

SYNOPSIS
    smtpd -n smtp|submission|submissions [generic options]

DESCRIPTION
    smtpd receives mail from the network: from other hosts (service smtp, port 25) and from the
    system's own users (submission, port 587, and submissions, port 465). One process serves
    thousands of sessions; master starts as many as master.cf says.

    It asks addressd what an address is and what the access tables say, policyd whether to go on,
    and authd who somebody is. The content of a message goes into a sealed memory file, or past
    queue_journal_message_limit into a file of the queue's, and with its envelope to qmgr. The
    client hears 250 when qmgr has said that all of it is on the disk.

    Who may do what is said in Postfix's access restriction language: smtpd_client_restrictions,
    smtpd_helo_restrictions, smtpd_sender_restrictions, smtpd_relay_restrictions,
    smtpd_recipient_restrictions, smtpd_data_restrictions and smtpd_end_of_data_restrictions. A
    name that the language does not have is an error at start.

    Before a message is queued, smtpd has its header fields and lines looked up in header_checks,
    mime_header_checks, nested_header_checks and body_checks, with the actions of header_checks(5),
    takes out message_drop_headers, and adds Message-Id:, Date: and From: to what our own users
    send. smtpd_milters are asked at each step of a session and about the whole message, in version
    6 of Sendmail's protocol and before, with all macros and all changes; milter_default_action
    says what happens when one cannot be asked.

    With smtpd_proxy_filter another SMTP server takes the mail before the client hears an answer
    (Postfix's SMTPD_PROXY_README): it gets the envelope as the client names it, or with
    smtpd_proxy_options = speed_adjust only when all of the message is here, and the content, which
    is always received as a whole first. Its replies are the client's. What it gives back on another
    port is looked at there, by checks and milters too.

    With postscreen_enable, or a service postscreen in Postfix's master.cf, strangers are tested
    before they may send mail, by postscreen's parameters: they must keep silent before the
    greeting, DNS lists are weighed, and until RCPT they must not pipeline, send another protocol's
    commands or bare newlines. Who passes is remembered by policyd and goes on in the same session;
    in Postfix a client has to come back after the tests that need a conversation.

    reject_unverified_sender and reject_unverified_recipient wait for a probe of the address that
    policyd has made or remembers. permit_pop_before_smtp lets mail through from an address from
    which somebody read his mail lately; authd knows, within pop_before_smtp_time.

    A load balancer in front may say with the PROXY protocol, version 1 or 2, for whom it speaks
    (smtpd_upstream_proxy_protocol); haproxy_trusted_networks tells which are believed.

    Proxies and content filters that smtpd_authorized_xclient_hosts and
    smtpd_authorized_xforward_hosts name may say with XCLIENT for whom they speak, and with XFORWARD
    from whom mail came.

SECURITY
    smtpd talks to strangers and can open no file. Its TLS private key stays in authd. Everything
    that a client can make grow has a limit, each request has one deadline in total, and a content
    that comes too slowly ends the session. Only CR LF "." CR LF ends a content, and one with CR or
    LF alone is refused, so that no second message can be smuggled in the first. What a client
    sends before the TLS handshake is forgotten with it. Settings that would let strangers relay
    are refused at start.

STANDARDS
    RFC 1870 (SIZE)
    RFC 2034, RFC 3463 (enhanced status codes)
    RFC 2852 (DELIVERBY)
    RFC 2920 (PIPELINING)
    RFC 3030 (CHUNKING)
    RFC 3207 (STARTTLS)
    RFC 3461 (DSN)
    RFC 3848 (transmission types)
    RFC 4865 (FUTURERELEASE)
    RFC 4954 (AUTH)
    RFC 5321 (SMTP)
    RFC 6152 (8BITMIME)
    RFC 6409 (submission)
    RFC 6531 (SMTPUTF8)
    RFC 6710 (MT-PRIORITY)
    RFC 8314 (submissions)

DIAGNOSTICS
    Problems and transactions are logged to maillog_file or syslog(3), in the words of Postfix.

SEE ALSO
    facteur(1), main.cf(5), master.cf(5), addressd(8), authd(8), policyd(8), qmgr(8)
--*/
#include <algorithm>

#include "lib/daemon/daemon.h"
#include "smtpd/explain.h"
#include "smtpd/smtpd.h"

using namespace facteur;

int main(int argc, char** argv) {
    smtpd::Settings settings;
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (std::find(words.begin(), words.end(), "explain") != words.end())
        return smtpd::explain(settings, words);
    daemon::Description smtpd;
    smtpd.name = "smtpd";
    smtpd.kind = daemon::Kind::sessions;
    smtpd.owner = daemon::Owner::smtp;
    smtpd.privileges.network = sandbox::Network::inet;  // questions to name servers
    smtpd.sections = {&settings};
    smtpd.make = [&](daemon::Process& process) {
        return std::make_unique<smtpd::Smtpd>(process, settings);
    };
    smtpd.review = [&](const conf::MainCf& main_cf) {
        return smtpd::Gate::review(settings, main_cf);
    };
    return daemon::run(argc, argv, smtpd);
}
