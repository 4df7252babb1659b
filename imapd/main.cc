/*++
NAME
    imapd - Facteur's IMAP server
SYNOPSIS
    imapd [generic Facteur daemon options] login
    imapd [generic Facteur daemon options] mailbox
DESCRIPTION
    imapd serves IMAP4rev1 in two stages that trust each other as little as possible.

    The login stage (services imap and imaps) talks to clients whose name is not known yet.  It
    speaks TLS and asks authd for passwords and signatures.  It can open no file and holds no key.

    The mailbox stage (service imap-mailbox) gets the connection of a client that has logged in,
    together with what the client sent ahead, asks authd where the user's mail is and whose, and
    passes the session on to a process that runs as that owner, which it starts on demand.  One
    process serves many sessions of the same uid (imapd_sessions_per_process).  No part of this
    stage sees a password.  With TLS the login stage keeps the encryption and passes bytes on.

    With imapd_haproxy, in main.cf or with -o for one listener, a proxy in front (HAProxy, nginx)
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
    RFC 2177 (IDLE)
    RFC 2342 (NAMESPACE)
    RFC 2595 (STARTTLS)
    RFC 2971 (ID)
    RFC 3348 (CHILDREN)
    RFC 3501 (IMAP4rev1)
    RFC 3502 (MULTIAPPEND)
    RFC 3516 (BINARY)
    RFC 3691 (UNSELECT)
    RFC 4314 (ACL)
    RFC 4315 (UIDPLUS)
    RFC 4469 (CATENATE)
    RFC 4731 (ESEARCH)
    RFC 4959 (SASL-IR)
    RFC 4978 (COMPRESS=DEFLATE)
    RFC 5032 (WITHIN)
    RFC 5161 (ENABLE)
    RFC 5182 (SEARCHRES)
    RFC 5256 (SORT, THREAD)
    RFC 5258 (LIST-EXTENDED)
    RFC 5255 (I18NLEVEL=1)
    RFC 5267 (ESORT, CONTEXT=SEARCH, CONTEXT=SORT)
    RFC 5464 (METADATA)
    RFC 5465 (NOTIFY)
    RFC 5466 (FILTERS)
    RFC 5530 (response codes)
    RFC 5819 (LIST-STATUS)
    RFC 5957 (SORT=DISPLAY)
    RFC 6154 (SPECIAL-USE, CREATE-SPECIAL-USE)
    RFC 6851 (MOVE)
    RFC 6855 (UTF8=ACCEPT)
    RFC 7162 (CONDSTORE, QRESYNC)
    RFC 7377 (MULTISEARCH)
    RFC 7888 (LITERAL+)
    RFC 7889 (APPENDLIMIT)
    RFC 8438 (STATUS=SIZE)
    RFC 8440 (LIST-MYRIGHTS)
    RFC 8474 (OBJECTID)
    RFC 8508 (REPLACE)
    RFC 8514 (SAVEDATE)
    RFC 8970 (PREVIEW)
    RFC 9051 (IMAP4rev2)
    RFC 9208 (QUOTA)
    RFC 9394 (PARTIAL)
    RFC 9585 (INPROGRESS)
    RFC 9586 (UIDONLY)
    RFC 9590 (LIST-METADATA)
    RFC 9738 (MESSAGELIMIT)
DIAGNOSTICS
    Problems and sessions are logged to syslogd(8) or to the log file, with the words of Dovecot:
    "imap-login: Login: user=<u>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.2, mpid=1, TLS", and
    "imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<u>, method=PLAIN, ...".
SETTINGS
FILES
    private/auth            the way to authd(8)
    private/imap-mailbox    from the login stage to the mailbox stage
SEE ALSO
    authd(8), pop3d(8), lmtp-local(8), main.cf(5), master.cf(5)
--*/

#include "imapd/login_session.h"
#include "imapd/session.h"
#include "imapd/settings.h"
#include "lib/login/stages.h"

using namespace facteur;

namespace {

Task<void> log_in(login::Door& door, Scope& scope, login::Caller caller) {
    imapd::LoginSession session(door, scope, std::move(caller));
    co_await session.run();
}

Task<login::Ending> converse(const imapd::Settings& settings, daemon::Process& process,
                             Stream& stream, store::Store& store, const std::string& tag) {
    imapd::Session session(stream, store, process.workers(), settings);
    co_await session.run(tag);
    login::Ending ending;
    ending.why = session.ending();
    ending.detail =
        "in=" + std::to_string(session.received()) + " out=" + std::to_string(session.sent());
    co_return ending;
}

}  // namespace

int main(int argc, char** argv) {
    imapd::Settings settings;
    login::Stages imapd{"imapd", "imap", settings, settings.login, settings.mailbox, "", {}, {}};
    imapd.refusal = "* BYE [LIMIT] Too many connections from your address.\r\n";
    imapd.log_in = log_in;
    imapd.converse = [&settings](daemon::Process& process, Stream& stream, store::Store& store,
                                 const ipc::OpenSession& session) {
        return converse(settings, process, stream, store, session.tag);
    };
    return login::run(argc, argv, imapd);
}
