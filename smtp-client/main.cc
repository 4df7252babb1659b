/*++
NAME
    smtp-client - Facteur's delivery to other hosts, over SMTP and LMTP

SYNOPSIS
    smtp-client -n smtp [generic options]
    smtp-client -n relay [generic options]
    smtp-client -n lmtp [generic options]

DESCRIPTION
    smtp-client takes delivery jobs from qmgr over its socket in private/, finds the servers of the
    next hop, and sends the message to them in turn until one has taken it. One process works on
    hundreds of deliveries at a time. The service lmtp, and any other whose command line has the
    word lmtp, speaks LMTP; every other one speaks SMTP. Where it speaks LMTP, it reads lmtp_X in
    the place of each parameter smtp_X, and lmtp_lhlo_X in the place of smtp_helo_X.

    A next hop is a domain, whose MX hosts are looked up, or a host in brackets, each with an
    optional :port; for LMTP it may be unix:path too. MX hosts are tried in the order of their
    preference, and at random among equals; a domain without MX is its own. A domain with a null MX
    accepts no mail, and its mail is returned. Servers that are no better than this host itself are
    left out; when nothing remains, the mail loops, and is returned.

    A connection stays open for a moment after its message, and serves the next one to the same
    next hop. What the extensions of the server allow is used: PIPELINING, CHUNKING, SIZE,
    8BITMIME, DSN, SMTPUTF8, STARTTLS, AUTH.

    What became of each recipient is remembered until qmgr has recorded it; when qmgr is restarted
    meanwhile, its successor is told, and nothing is sent twice.

    How much TLS a server gets is decided by smtp_tls_policy_maps and smtp_tls_security_level, with
    Postfix's levels and attributes.  At the levels dane and dane-only the destination's own signed
    TLSA records say what certificate its servers have; this asks for a validating name server on a
    safe way (smtp_dns_support_level = dnssec).  With smtp_tls_mta_sts_enable the MTA-STS policy of
    a destination is obeyed where DANE says nothing; policyd keeps the policies over restarts.
    Mail sent with REQUIRETLS goes only to servers that have proved who they are and offer it; for
    mail with the header field "TLS-Required: No" neither DANE nor MTA-STS counts.

    A file that tafile= in smtp_tls_policy_maps names must be in smtp_tls_trust_anchor_directory.
    The key of a client certificate (smtp_tls_cert_file, smtp_tls_chain_files) stays in authd.

SECURITY
    smtp-client talks to servers that anybody may run. It can open no file: the content comes as a
    descriptor, passwords and TLS policies come from addressd. Answers of servers are bounded in
    length and number, and made printable for the log. Certificates are checked where
    smtp_tls_security_level or smtp_tls_policy_maps ask for it; a handshake that fails at level may
    is repeated without TLS.

STANDARDS
    RFC 1870 (message size declaration)
    RFC 2033 (LMTP)
    RFC 2852 (DELIVERBY)
    RFC 2920 (pipelining)
    RFC 3030 (CHUNKING)
    RFC 3207 (STARTTLS)
    RFC 3461 (SMTP DSN extension)
    RFC 4954 (AUTH)
    RFC 5321 (SMTP)
    RFC 6152 (8BITMIME)
    RFC 6531 (SMTPUTF8)
    RFC 6698 (TLSA records)
    RFC 6710 (MT-PRIORITY)
    RFC 7505 (null MX)
    RFC 7671, RFC 7672 (DANE)
    RFC 8460 (TLS reports)
    RFC 8461 (MTA-STS)
    RFC 8689 (REQUIRETLS)

DIAGNOSTICS
    Each recipient's result is logged in one line, as Postfix does:

        QUEUEID: to=<user@example.com>, relay=mx.example.com[192.0.2.1]:25, delay=0.5,
        delays=0.1/0/0.2/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 1234)

SETTINGS

SEE ALSO
    facteur(1), main.cf(5), master.cf(5), qmgr(8), addressd(8)
--*/
#include <memory>
#include <string_view>

#include "lib/daemon/daemon.h"
#include "smtp-client/probe.h"
#include "smtp-client/service.h"

using namespace facteur;

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "--probe") return smtp_client::probe(argc, argv);
    smtp_client::Settings settings;
    auto words = daemon::arguments(argc, argv);
    daemon::Description client;
    client.name = "smtp-client";
    // At a reload the old process finishes what it has, which may take long, while its successor
    // gets the new jobs.
    client.kind = daemon::Kind::sessions;
    client.owner = daemon::Owner::smtp;
    client.privileges.readable = {"$smtp_tls_CApath"};
    client.privileges.network = sandbox::Network::inet;
    client.sections = {&settings};
    client.family = conf::Family{"smtp_", "lmtp_", "lmtp", {}};
    client.family->renamed = {
        {"lmtp_lhlo_name", "smtp_helo_name"},
        {"lmtp_lhlo_timeout", "smtp_helo_timeout"},
        {"lmtp_discard_lhlo_keywords", "smtp_discard_ehlo_keywords"},
        {"lmtp_discard_lhlo_keyword_address_maps", "smtp_discard_ehlo_keyword_address_maps"}};
    client.make = [&](daemon::Process& process) {
        bool lmtp = client.family->serves(process.service(), words);
        return std::make_unique<smtp_client::SmtpClient>(
            process, settings, lmtp ? smtp_client::Protocol::lmtp : smtp_client::Protocol::smtp);
    };
    return daemon::run(argc, argv, client);
}
