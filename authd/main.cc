/*++
NAME
    authd - Facteur's owner of passwords and private keys

SYNOPSIS
    authd -n auth [generic options]

DESCRIPTION
    authd decides whether a client is who it says it is (SASL, for smtpd, imapd and pop3d), says
    whose uid and mailbox a user has (for lmtp-local, addressd and the mailbox stages), and signs
    TLS handshakes. It alone reads passwords and TLS private keys; the others send it questions
    over the socket private/auth.

    Passwords come from passwd-files in Dovecot's format (auth_passdb = passwd-file:/path),

        user:password:uid:gid:gecos:home:shell:extra_fields

    where the password is {SCHEME}hash, as `doveadm pw` and `facteur user` write it: ARGON2ID,
    ARGON2I, BLF-CRYPT, SHA512-CRYPT, SHA256-CRYPT, SSHA512, SSHA256, SSHA, SHA512, SHA256, SHA,
    PBKDF2, SMD5, MD5-CRYPT, CRYPT, PLAIN, with .HEX or .B64 behind the name where that helps. The
    extra fields nologin, allow_nets, userdb_uid, userdb_gid, userdb_home and userdb_mail mean what
    they mean in Dovecot; other userdb_ fields are handed on. A changed file counts at once. Or
    they are checked by PAM (auth_passdb = pam:facteur) for the users of the system; the word behind
    pam: names a file in /etc/pam.d.

SECURITY
    authd talks to no network. Private keys are read as root before privileges are dropped, and a
    signature is given only to the daemons that face clients, by their uid. A PAM module runs in a
    process of its own, forked from a helper that keeps root's rights and knows nothing but
    service, user and password. An unknown user is compared with the hash of a known one, and all
    failures are answered after the same delay, so that neither answers nor times tell who exists.
    Memory for ARGON2 is bounded (auth_hash_memory_limit), and a hash in a file cannot ask for
    more than fixed limits.

STANDARDS
    RFC 4422 (SASL)
    RFC 4616 (PLAIN)
    RFC 8446 (TLS 1.3 signature schemes)

DIAGNOSTICS
    Problems are logged to maillog_file or syslog(3). A passwd-file or a certificate that cannot be
    read is an error in the log; authentication then fails temporarily, and TLS is not offered.

FILES
    /etc/facteur/users, the passwd-file of the default configuration

SEE ALSO
    facteur(1), main.cf(5), smtpd(8), imapd(8), pop3d(8)
--*/
#include <memory>

#include "authd/authd.h"
#include "lib/daemon/daemon.h"

using namespace facteur;

int main(int argc, char** argv) {
    authd::Settings settings;
    daemon::Description authd;
    authd.name = "authd";
    authd.kind = daemon::Kind::single;
    authd.owner = daemon::Owner::auth;
    // /etc: users and groups of the system, and how the name service finds them.
    authd.privileges.readable = {"$auth_passdb", "$auth_userdb", "/etc"};
    authd.privileges.network = sandbox::Network::unix_only;
    authd.sections = {&settings};
    authd.make = [&](daemon::Process& process) {
        return std::make_unique<authd::Authd>(process, settings);
    };
    return daemon::run(argc, argv, authd);
}
