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
    together with what the client sent ahead, asks authd where the user's mail is, and serves it.
    It never sees a password.  With TLS the login stage keeps the encryption and passes bytes on.
SECURITY
    The login stage is open to the Internet; it runs as login_owner, without access to files.
    The mailbox stage runs as store_owner with access to the mailboxes alone.
STANDARDS
    RFC 2177 (IDLE)
    RFC 2342 (NAMESPACE)
    RFC 2595 (STARTTLS)
    RFC 2971 (ID)
    RFC 3348 (CHILDREN)
    RFC 3501 (IMAP4rev1)
    RFC 3691 (UNSELECT)
    RFC 4315 (UIDPLUS)
    RFC 4731 (ESEARCH)
    RFC 4959 (SASL-IR)
    RFC 5032 (WITHIN)
    RFC 5161 (ENABLE)
    RFC 5182 (SEARCHRES)
    RFC 5256 (SORT, THREAD)
    RFC 5267 (ESORT)
    RFC 5530 (response codes)
    RFC 5957 (SORT=DISPLAY)
    RFC 6154 (SPECIAL-USE)
    RFC 6851 (MOVE)
    RFC 7162 (CONDSTORE, QRESYNC)
    RFC 7888 (LITERAL+)
    RFC 9394 (PARTIAL)
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

#include "imapd/login_service.h"
#include "imapd/mailbox_service.h"
#include "imapd/settings.h"
#include "lib/daemon/daemon.h"

int main(int argc, char** argv) {
    using namespace facteur;
    imapd::Settings settings;
    daemon::Description imapd;
    imapd.name = "imapd";
    imapd.sections = {&settings};
    std::vector<std::string> words = daemon::arguments(argc, argv);
    if (!words.empty() && words.front() == "mailbox") {
        imapd.owner = daemon::Owner::store;
        imapd.privileges = login::mailbox_privileges();
        imapd.make = [&](daemon::Process& process) {
            return std::make_unique<imapd::MailboxService>(process, settings);
        };
    } else {
        imapd.owner = daemon::Owner::login;
        imapd.make = [&](daemon::Process& process) {
            return std::make_unique<imapd::LoginService>(process, settings.login);
        };
    }
    return daemon::run(argc, argv, imapd);
}
