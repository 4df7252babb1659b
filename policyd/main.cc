/*++
NAME
    policyd - decides whether mail is welcome

SYNOPSIS
    policyd [generic daemon options]

DESCRIPTION
    policyd is asked by smtpd at each step of a session (connection, AUTH, STARTTLS, MAIL, RCPT)
    and when a message is complete, and answers whether to go on: accept, refuse, defer, discard
    or hold.

    It counts how many connections each client has at a time, and how many connections, AUTH
    commands, TLS sessions, messages and recipients per $anvil_rate_time_unit, over all processes
    of smtpd together; the limits are smtpd's parameters.  What a process had from its clients is
    forgotten when the process ends, and told again to a new policyd.  It limits messages and
    recipients of authenticated users, wherever they come from.

    For smtpd's check_policy_service it asks policy servers, in Postfix's policy delegation
    protocol, over TCP or Unix sockets.  Connections are used again, by all processes of smtpd
    together, within the bounds of the smtpd_policy_service_* parameters.

    It remembers which clients passed postscreen's tests, in $postscreen_cache_map, and forgets
    those that stay away.  For reject_unverified_sender and reject_unverified_recipient it asks
    qmgr whether an address is deliverable, and remembers the answers in $address_verify_map.

    It counts how TLS with the servers of other domains went, as smtp-client tells it
    (smtp_tlsrpt_enable), and sends each domain that asks for it (TXT record _smtp._tls.DOMAIN)
    one report a day (RFC 8460): by mail, and through smtp-client to web servers. The counts are
    kept over restarts.

    What does not come over SMTP it prepares for the queue, as Postfix's cleanup(8) does: qmgr gives
    it mail from sendmail(1), and its own notices where internal_mail_filter_classes names them.
    Their lines are looked up in header_checks and body_checks, missing fields are added, addresses
    completed and mapped, and non_smtpd_milters asked. What is refused goes back to its sender.

SECURITY
    policyd opens no files but those of $postscreen_cache_map and
    $address_verify_map, and those in the folder policy/ of the queue
    directory, where it keeps what daemons that can open none want kept: the MTA-STS
    policies of other domains.  It talks to no network but through Unix sockets, unless main.cf or
    master.cf names a policy server or one of non_smtpd_milters "inet:…"; it asks only servers that
are named there, whatever another daemon wants.  How much it remembers is bounded by
$policyd_counter_limit, so that strangers cannot fill its memory.

DIAGNOSTICS
    A limit that is exceeded is logged as a warning with the client and the count.

SETTINGS
    These parameters of main.cf are used.

SEE ALSO
    smtpd(8), SMTP server
    main.cf(5), configuration parameters
--*/
#include "lib/daemon/daemon.h"
#include "policyd/policyd.h"

int main(int argc, char** argv) {
    facteur::policyd::Settings settings;
    facteur::daemon::Description policyd;
    policyd.name = "policyd";
    policyd.kind = facteur::daemon::Kind::single;
    policyd.owner = facteur::daemon::Owner::policy;
    policyd.sections = {&settings};
    policyd.privileges.writable = {"policy", "$postscreen_cache_map", "$address_verify_map"};
    policyd.make = [&](facteur::daemon::Process& process) {
        using facteur::sandbox::Network;
        policyd.privileges.network = settings.asks_network() ? Network::inet : Network::unix_only;
        return std::make_unique<facteur::policyd::Policyd>(process, settings);
    };
    return facteur::daemon::run(argc, argv, policyd);
}
