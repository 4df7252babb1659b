/*++
NAME
    lmtp-local - Facteur's delivery into mailboxes, and LMTP server

SYNOPSIS
    lmtp-local -n virtual [generic options]
    lmtp-local -n uucp [generic options] pipe attributes...

DESCRIPTION
    lmtp-local delivers into the mailboxes of this host. One process serves several sockets:

    virtual   delivery jobs from qmgr for the users that authd knows by their whole address,
              as virtual(8) of Postfix;
    local     delivery jobs from qmgr for the users of this system, as local(8) of Postfix:
              aliases(5) come first, then the user's ~/.forward, then the mailbox;
    quota-status
              Postfix's policy protocol: has the recipient's mailbox room? smtpd asks it with
              "check_policy_service unix:private/quota-status" among its restrictions, so that
              mail for full mailboxes is refused at RCPT;
    any other an LMTP server for other MTAs.

    With "pipe" behind its name it is what pipe(8) is for Postfix: a transport of its own, which
    gives mail to a command. See PIPE TRANSPORTS below.

    A mailbox is a Maildir with an index beside it; its place is what authd says of the user
    (mail_location). Return-Path:, X-Original-To: and Delivered-To: are put on top of each message;
    the bytes of the message itself are stored as they came.

    A delivery from the queue is reported as soon as it is written, and its file system is flushed
    for many messages at a time; only then does qmgr forget them. When that flush fails, the
    messages that were written to that file system since the last one are deferred, and the queue
    delivers them again. The name of a message file follows from the queue id, so that a delivery
    that is repeated is made once. An LMTP client hears 250 for a recipient when the message is on
    disk.

    With a quota (quota, quota_rule; a user's own in his userdb entry) a message that has no room
    is returned with 5.2.2, or with quota_full_tempfail kept in the queue with 4.2.2. What is in
    use stands in the file maildirsize of the Maildir, which Dovecot, Courier and others keep in
    the same way. A delivery that crosses the threshold of a quota_warning runs its command as the
    user, with %u, %n, %d and %h as in Dovecot.

    The extension of an address (recipient_delimiter) is left out when the whole address is
    nobody's.

    With virtual_mailbox_base or virtual_uid_maps, the mailboxes of virtual users are where
    virtual_mailbox_maps say, as virtual(8) of Postfix has them, and belong to whom
    virtual_uid_maps and virtual_gid_maps say; authd is not asked then.

    The mail of a system user goes, in this order, where ~/.forward (forward_path) sends it, to
    mailbox_transport_maps or mailbox_transport, to mailbox_command_maps or mailbox_command, into
home_mailbox, into mail_spool_directory, or, as it is shipped, into the Maildir that mail_location
names, where IMAP and POP3 find it. A name with / at the end is a Maildir, any other a file in mbox
format: locked as mailbox_delivery_lock says, flushed, and cut back to its length when something
fails.

    Mail for a name that is neither an alias nor a user goes to mailbox_transport_maps or
    mailbox_transport, else to fallback_transport_maps or fallback_transport, else to luser_relay,
    else it is returned. What goes to such a transport is a message of its own in the queue.

    Commands ("|command") and files ("/file", "/maildir/") of an alias belong to default_privs,
    those of a ~/.forward to its user. A command gets the message on its standard input, behind a
    "From " line, Return-Path:, X-Original-To: and Delivered-To:, with line ends that are LF. In
    its environment are SENDER, RECIPIENT, ORIGINAL_RECIPIENT, LOCAL, DOMAIN, EXTENSION, USER,
    LOGNAME, HOME, SHELL, CLIENT_ADDRESS, CLIENT_HOSTNAME, SASL_USERNAME, PATH and what
    export_environment names; command_expansion_filter says which characters are left as they are.
    A shell is used only where one is needed. Exit status 0 means that the command has the
    message; others are those of sysexits.h, and an enhanced status code at the start of the
    output counts more. The output goes into the bounce. A command that is killed by a signal
    defers the mail, one that takes longer than command_time_limit returns it, and is killed with
    its children.

    When a recipient has several targets, mailboxes come first, then files and commands, then
    addresses, and nothing follows what was deferred: a repeated delivery to a mailbox is made
    once, but a command or a file may get its message again.

PIPE TRANSPORTS
    A line of master.cf as Postfix has it makes a transport to a command:

        maildrop  unix  -       n       n       -       10      pipe
            flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}

    Its name is what transport_maps, virtual_transport and the like name; the number of processes
    is how many commands run at a time. The attributes are

    flags=BDFORXhqu.>   B: an empty line ends the message. D: Delivered-To: on top, and a message
                        that has this field already comes back. F: a "From " line on top.
                        O: X-Original-To: on top. R: Return-Path: on top. X: the command delivers
                        for good, so that a notice says "delivered" instead of "relayed".
                        h: domains in lower case. u: local parts in lower case. q: quote addresses
                        where they need it. ".": one more dot before lines that begin with one.
                        ">": the same with ">" before "From ".
    user=NAME[:GROUP]   whom the command runs as; never root, and none of the daemons' accounts
    directory=PATH      where it runs; by default in $queue_directory
    chroot=PATH         its root directory
    eol=STRING          line ends, with the escapes of C; by default \n
    null_sender=TEXT    what stands for the null sender (MAILER-DAEMON); may be empty
    size=BYTES          larger messages come back
    argv=COMMAND ...    the last one; no shell reads it. {words in braces} are one word.

    In the arguments $name, ${name} and $(name) stand for client_address, client_helo,
    client_hostname, client_port, client_protocol, nexthop, queue_id, sasl_method, sasl_sender,
    sasl_username, sender, size; and domain, extension, mailbox, original_recipient, recipient,
    user, for which the word is repeated for each recipient. $$ is a dollar sign. The queue does
    not keep client_port, sasl_method and sasl_sender: these are empty. How many recipients there
    are at a time says transport_destination_recipient_limit; with D and O it must be 1.

    The message is the command's standard input, with line ends that are LF. Of our environment it
    gets PATH and what export_environment names. Its exit status counts as for commands of
    aliases; what it wrote, up to command_output_limit, goes into the log and into the notice, a
    good result's too. After transport_time_limit (command_time_limit) it is killed with its
    children and the mail comes back. At a reload, running commands finish while the new process
    gets the new mail. A command that cannot be started defers it. The same mail may reach a
    command twice when the machine or lmtp-local dies before its result is recorded.

SECURITY
    lmtp-local handles content that strangers wrote. It opens only what is below mail_location,
    mail_home and mail_directories, as the owner of virtual mail, and it has no privileges.

    When master runs as root and the `unpriv` column of master.cf is `n`, a small process beside it
    (lmtp-broker) keeps the right to become another user, and nothing else of root: not even the
    uid. For each user
    who is not the owner of virtual mail it forks a process (lmtp-hand) that is that user for good:
    it writes the mailbox and files, reads ~/.forward and runs commands, which inherit no
    descriptor. There are at most local_process_limit of them, and none is ever root: mail for
    root is deferred until root has an alias. When lmtp-local ends, however it ends, so do they.
    A system user's commands are not put behind the sandbox of the daemons; they can do what their
    user can.

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
    maildirsize                                    what is in use of the quota
    ~/.forward                                     where a system user's mail goes instead

SEE ALSO
    facteur(1), main.cf(5), master.cf(5), aliases(5), qmgr(8), imapd(8)
--*/
#include <memory>
#include <string>
#include <vector>

#include "lib/daemon/daemon.h"
#include "lib/daemon/options.h"
#include "lmtp-local/pipe_service.h"
#include "lmtp-local/service.h"

using namespace facteur;

namespace {

/// `pipe flags=… user=… argv=…` in master.cf: a service of its own, which has no mailboxes.  At a
/// reload the old process finishes its commands, while its successor gets the new jobs.
int serve_pipe(int argc, char** argv, std::vector<std::string> attributes) {
    lmtp_local::Settings settings;
    const auto options = lmtp_local::parse_pipe_options(attributes);
    daemon::Description pipe;
    pipe.name = "pipe";
    pipe.kind = daemon::Kind::sessions;
    pipe.owner = daemon::Owner::store;
    pipe.sections = {&settings};
    pipe.review = [&](const conf::MainCf& main_cf) {
        return lmtp_local::review_pipe(options, main_cf);
    };
    pipe.make = [&](daemon::Process& process) {
        auto words = daemon::parse_options({argv + 1, argv + argc});
        const bool is_privileged = words && words->privileged;
        return std::make_unique<lmtp_local::PipeService>(process, settings, *options,
                                                         is_privileged);
    };
    return daemon::run(argc, argv, pipe);
}

}  // namespace

int main(int argc, char** argv) {
    auto words = daemon::arguments(argc, argv);
    if (!words.empty() && words.front() == "pipe")
        return serve_pipe(argc, argv, {words.begin() + 1, words.end()});
    lmtp_local::Settings settings;
    daemon::Description lmtp_local;
    lmtp_local.name = "lmtp-local";
    lmtp_local.kind = daemon::Kind::single;
    lmtp_local.owner = daemon::Owner::store;
    lmtp_local.privileges.writable = {"$mail_home", "$mail_location", "$mail_directories",
                                      "$virtual_mailbox_base"};
    lmtp_local.sections = {&settings};
    lmtp_local.make = [&](daemon::Process& process) {
        auto options = daemon::parse_options({argv + 1, argv + argc});
        store::set_compression(settings.compression);
        const bool is_privileged = options && options->privileged;
        return std::make_unique<lmtp_local::LmtpLocal>(process, settings, is_privileged);
    };
    return daemon::run(argc, argv, lmtp_local);
}
