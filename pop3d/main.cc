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
    together with what the client sent ahead, asks authd where the user's mail is, and serves the
    INBOX.  It never sees a password.  With TLS the login stage keeps the encryption and passes
    bytes on.

    Messages are removed at QUIT and at no other time.  Unique ids have the form that Dovecot gives
    them by default.  Several sessions may read one mailbox at a time: message numbers belong to
    the session, and a message that another session removed is answered with -ERR.
SECURITY
    The login stage is open to the Internet; it runs as login_owner, without access to files.
    The mailbox stage runs as store_owner with access to the mailboxes alone.
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

#include "lib/daemon/daemon.h"
#include "pop3d/services.h"

int main(int argc, char** argv) {
    using namespace facteur;
    pop3d::Settings settings;
    daemon::Description pop3d;
    pop3d.name = "pop3d";
    pop3d.sections = {&settings};
    std::vector<std::string> words = daemon::arguments(argc, argv);
    if (!words.empty() && words.front() == "mailbox") {
        pop3d.owner = daemon::Owner::store;
        pop3d.privileges = login::mailbox_privileges();
        pop3d.make = [&](daemon::Process& process) {
            return std::make_unique<pop3d::MailboxService>(process, settings);
        };
    } else {
        pop3d.owner = daemon::Owner::login;
        pop3d.make = [&](daemon::Process& process) {
            return std::make_unique<pop3d::LoginService>(process, settings.login);
        };
    }
    return daemon::run(argc, argv, pop3d);
}
