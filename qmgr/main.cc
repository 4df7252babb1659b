/*++
NAME
    qmgr - owner of the mail queue

SYNOPSIS
    qmgr [generic daemon options]

DESCRIPTION
    qmgr takes messages from smtpd, from lmtp-local and from sendmail(1) through maildrop/, and
makes each durable before it answers.  It asks addressd where a message's recipients go, hands jobs
to the delivery agents (smtp-client, lmtp-local) with as much concurrency as each destination takes,
    records what became of every recipient, tries again what could not be delivered, gives up after
a time, and tells senders about it (RFC 3464).  The transports error:, retry: and discard: are
    settled by qmgr itself.

    Messages leave oldest first, each destination with a concurrency that success raises and
    failure lowers; small messages overtake large mailings, and a destination that does not answer
    is left alone for minimal_backoff_time and then asked by one delivery.  The limits can be set
    for one transport of master.cf: smtp_destination_concurrency_limit.

    Senders are told of failures, and of what else RFC 3461 lets them ask for; the queue id of a
    notice is recorded before it is made, so that no crash makes it twice.

    New messages go to a journal: many of them with one write and one flush.  A message that is
    delivered soon never has a file of its own; one that waits long or is large has one in
deferred/, which people can read.  postcat(1) and facteur-queue(1) show both.

    When qmgr is killed nothing is lost and nothing is delivered twice: the journal is replayed, and
    the agents tell what they did meanwhile.

SECURITY
    qmgr can read and write the queue and nothing else, and talks to no network but through Unix
    sockets.  It believes its clients on private/queue; on public/queue-admin it asks the kernel who
    they are: everybody may list the queue and have it flushed, root and its owner may see, hold,
    release and delete messages.

STANDARDS
    RFC 3461, delivery status notifications in SMTP
    RFC 3462, RFC 6522, multipart/report
    RFC 3463, enhanced status codes
    RFC 3464, delivery status notifications
    RFC 2852, a time to deliver by (DELIVERBY)
    RFC 4865, mail for later (FUTURERELEASE)
    RFC 6533, internationalized delivery status notifications
    RFC 6710, priorities (MT-PRIORITY)
    RFC 3834, automatic responses

DIAGNOSTICS
    One line when a message becomes active, one for each recipient, one when it is removed.  What is
    damaged is moved to corrupt/ and logged as an error.

SETTINGS
    These parameters of main.cf are used.

FILES
    /var/spool/facteur/journal, new messages
    /var/spool/facteur/deferred, messages that wait for another attempt
    /var/spool/facteur/hold, messages that an administrator holds
    /var/spool/facteur/hold/.suspended, domains to which nothing goes until they are resumed
    /var/spool/facteur/incoming, large messages while they are received
    /var/spool/facteur/maildrop, what sendmail(1) left
    /var/spool/facteur/corrupt, what failed its checksum

SEE ALSO
    facteur-queue(1), the queue on the command line
    sendmail(1), mailq(1), postqueue(1), postsuper(1), postcat(1)
    smtp-client(8), lmtp-local(8), addressd(8)
--*/
#include "lib/daemon/daemon.h"
#include "qmgr/qmgr.h"

int main(int argc, char** argv) {
    facteur::qmgr::Settings settings;
    facteur::daemon::Description qmgr;
    qmgr.name = "qmgr";
    qmgr.kind = facteur::daemon::Kind::single;
    qmgr.owner = facteur::daemon::Owner::queue;
    qmgr.privileges.writable = {"journal", "deferred", "hold", "incoming", "maildrop", "corrupt"};
    qmgr.sections = {&settings};
    qmgr.make = [&](facteur::daemon::Process& process) {
        return std::make_unique<facteur::qmgr::Qmgr>(process, settings);
    };
    return facteur::daemon::run(argc, argv, qmgr);
}
