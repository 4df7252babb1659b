/*++
NAME
    lmtp-local - Facteur's delivery into mailboxes, and LMTP server

SYNOPSIS
    lmtp-local -n virtual [generic options]

DESCRIPTION
    lmtp-local delivers into the mailboxes of this host. One process serves several sockets:

    virtual   delivery jobs from qmgr for the users that authd knows by their whole address,
              as virtual(8) of Postfix;
    local     delivery jobs from qmgr for the users of this system, as local(8) of Postfix:
              aliases(5) come first, then the user's ~/.forward, then the mailbox;
    any other an LMTP server for other MTAs.

    A mailbox is a Maildir with an index beside it; its place is what authd says of the user
    (mail_location). Return-Path:, X-Original-To: and Delivered-To: are put on top of each message;
    the bytes of the message itself are stored as they came.

    A delivery from the queue is reported as soon as it is written, and its file system is flushed
    for many messages at a time; only then does qmgr forget them. When that flush fails, the
    messages that were written to that file system since the last one are deferred, and the queue
    delivers them again. The name of a message file follows from the queue id, so that a delivery
    that is repeated is made once. An LMTP client hears 250 for a recipient when the message is on
    disk.

    The extension of an address (recipient_delimiter) is left out when the whole address is
    nobody's. Commands ("|command") and files in aliases and ~/.forward are not supported: such
    mail is deferred, and the log says why.

SECURITY
    lmtp-local handles content that strangers wrote, as the owner of the mail. It opens only what
    is below mail_location, mail_home and mail_directories. When it is started as root (the
    `unpriv` column of master.cf is `n`) it keeps the right to make files as another user, so that
    the mail of system users belongs to them.

STANDARDS
    RFC 2033 (LMTP)
    RFC 2920 (pipelining)
    RFC 3030 (CHUNKING)
    RFC 5321 (SMTP protocol)
    RFC 5322 (message format)

DIAGNOSTICS
    Each recipient's result is logged in one line, as Postfix does:

        QUEUEID: to=<user@example.com>, relay=virtual, delay=0.05, delays=0.04/0/0/0.01,
        dsn=2.0.0, status=sent (delivered to maildir)

SETTINGS

FILES
    facteur.index, facteur.cache.*, facteur.uids   in each folder: the index, what FETCH asks for
                                                   most, UIDVALIDITY and the promised UIDs
    ~/.forward                                     where a system user's mail goes instead

SEE ALSO
    facteur(1), main.cf(5), master.cf(5), aliases(5), qmgr(8), imapd(8)
--*/
#include <memory>

#include <linux/capability.h>

#include "lib/daemon/daemon.h"
#include "lmtp-local/service.h"

using namespace facteur;

int main(int argc, char** argv) {
    lmtp_local::Settings settings;
    daemon::Description lmtp_local;
    lmtp_local.name = "lmtp-local";
    lmtp_local.kind = daemon::Kind::single;
    lmtp_local.owner = daemon::Owner::store;
    lmtp_local.privileges.writable = {"$mail_home", "$mail_location", "$mail_directories"};
    lmtp_local.privileges.capabilities = {CAP_SETUID, CAP_SETGID};
    lmtp_local.sections = {&settings};
    lmtp_local.make = [&](daemon::Process& process) {
        return std::make_unique<lmtp_local::LmtpLocal>(process, settings);
    };
    return daemon::run(argc, argv, lmtp_local);
}
