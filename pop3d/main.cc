/*++
NAME
    pop3d - Facteur's POP3 server
SYNOPSIS
    pop3d [generic Facteur daemon options] login
    pop3d [generic Facteur daemon options] mailbox
DESCRIPTION
    pop3d serves POP3 in two stages that trust each other as little as possible.

    The login stage (services pop3 and pop3s) talks to clients whose name is not known yet.  It
    speaks TLS and asks authd for passwords and signatures.  It can open no file and holds no key.

    The mailbox stage (service pop3-mailbox) gets the connection of a client that has logged in,
    together with what the client sent ahead, asks authd where the user's mail is and whose, and
    passes the session on to a process that runs as that owner, which it starts on demand and
    which serves the INBOX.  One process serves many sessions of the same uid
    (pop3d_sessions_per_process).  No part of this stage sees a password.  With TLS the login
    stage keeps the encryption and passes bytes on.

    Messages are removed at QUIT and at no other time.  Unique ids have the form that Dovecot gives
    them by default.  Several sessions may read one mailbox at a time: message numbers belong to
    the session, and a message that another session removed is answered with -ERR.

    With pop3d_haproxy, in main.cf or with -o for one listener, a proxy in front (HAProxy, nginx)
    tells for whom it speaks, with the PROXY protocol, version 1 or 2; only those in
    haproxy_trusted_networks are believed, and others hear nothing.

SECURITY
    The login stage is open to the Internet; it runs as login_owner, without access to files.
    The mailbox stage runs as store_owner and can open no mailbox.  A small process beside it, the
    nursery, keeps the right to become another user (where the unpriv column of master.cf is "n")
    and makes the processes that serve sessions.  Those run as the owner of the mail, never as
    root, without capabilities; they can open the mail and the home of their user alone, or, when
    users share a uid, what stands in mail_home, mail_location and mail_directories.
STANDARDS
    RFC 1939 (POP3)
    RFC 2449 (CAPA, response codes)
    RFC 2595 (STLS)
    RFC 3206 (AUTH and SYS response codes)
    RFC 5034 (AUTH)
DIAGNOSTICS
    Problems and sessions are logged to syslogd(8) or to the log file, with the words of Dovecot:
    "pop3-login: Login: user=<u>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, mpid=1, TLS".
SETTINGS
FILES
    private/auth            the way to authd(8)
    private/pop3-mailbox    from the login stage to the mailbox stage
SEE ALSO
    authd(8), imapd(8), lmtp-local(8), main.cf(5), master.cf(5)
--*/

#include "lib/login/stages.h"
#include "pop3d/login_session.h"
#include "pop3d/session.h"
#include "pop3d/settings.h"

using namespace facteur;

namespace {

Task<void> log_in(login::Door& door, Scope& scope, login::Caller caller) {
    pop3d::LoginSession session(door, scope, std::move(caller));
    co_await session.run();
}

Task<login::Ending> converse(const pop3d::Settings& settings, Stream& stream, store::Store& store) {
    pop3d::Session session(stream, store, settings);
    co_await session.run();
    login::Ending ending;
    ending.why = session.ending();
    ending.detail = session.statistics();
    co_return ending;
}

}  // namespace

int main(int argc, char** argv) {
    pop3d::Settings settings;
    login::Stages pop3d{"pop3d", "pop3", settings, settings.login, settings.mailbox, "", {}, {}};
    pop3d.refusal = "-ERR [SYS/TEMP] Too many connections from your address.\r\n";
    pop3d.log_in = log_in;
    pop3d.converse = [&settings](daemon::Process&, Stream& stream, store::Store& store,
                                 const ipc::OpenSession&) {
        return converse(settings, stream, store);
    };
    return login::run(argc, argv, pop3d);
}
