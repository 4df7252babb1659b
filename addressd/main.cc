/*++
NAME
    addressd - owner of every lookup table

SYNOPSIS
    addressd [generic daemon options]

DESCRIPTION
    addressd answers what the other daemons ask about addresses: which class an address belongs
    to (local, virtual alias, virtual mailbox, relay, or elsewhere) and whether it exists; what an
    access table says about a client, a host name or an address; to which addresses an alias
    expands; by which transport and to which next hop mail for an address goes.  Addresses are
    rewritten to the form user@fully.qualified.domain first.

    Tables are of the types aliases:, auth:, btree:, cdb:, cidr:, environ:, fail:, hash:, inline:,
    ldap:, lmdb:, memcache:, mysql:, pcre:, pgsql:, pipemap:, proxy:, randmap:, redis:, regexp:,
    socketmap:, sqlite:, static:, tcp:, texthash:, unionmap: and unix:, described in
    facteur-tables(5).  A table whose file changes is read again within a second.  A table that
cannot be asked makes the answer a temporary error: mail is deferred, never refused or lost.

    With srs_domain, mail that an alias or a ~/.forward sends to another host has a sender there
    (SRS0=..., SRS1=..., as libsrs2 and postsrsd make them), unless its own sender is ours; a bounce
    to such an address goes to the original sender.  Addresses that are forged, or older than
    srs_max_age, are refused.  A new secret goes to the top of srs_secrets_file, and the old one
    stays below it for as long as bounces may come.

SECURITY
    addressd can read the folders of the tables that main.cf and master.cf name, and nothing else.
    It talks to no network but through Unix sockets, unless one of these tables asks a server; only
    then is the library for that server loaded, too.  It asks only tables that main.cf or master.cf
    name, whatever another daemon wants.

DIAGNOSTICS
    Problems with tables are logged as warnings, with file and line.

SETTINGS
    These parameters of main.cf are used.

FILES
    /etc/facteur/main.cf, configuration parameters
    /etc/facteur/srs.secrets, secrets for SRS

SEE ALSO
    facteur-tables(5), types of tables
    facteur-table(1), make and query lookup tables
    main.cf(5), configuration parameters
    authd(8), users
--*/
#include <sys/stat.h>

#include "addressd/addressd.h"
#include "addressd/settings.h"
#include "lib/daemon/daemon.h"

namespace {

/// The folder of a table's file, because files are replaced by renaming.
std::string folder_of(const std::string& path) {
    struct stat st {};
    if (stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return path;
    const auto slash = path.rfind('/');
    return slash == 0 ? std::string("/") : path.substr(0, slash);
}

}  // namespace

int main(int argc, char** argv) {
    facteur::addressd::Settings settings;
    facteur::daemon::Description addressd;
    addressd.name = "addressd";
    addressd.kind = facteur::daemon::Kind::single;
    addressd.owner = facteur::daemon::Owner::lookup;
    addressd.privileges.readable = {"$config_directory", "/etc"};
    addressd.sections = {&settings};
    addressd.make = [&](facteur::daemon::Process& process) {
        for (const std::string& file : settings.named_files)
            addressd.privileges.readable.push_back(folder_of(file));
        if (settings.asks_servers) addressd.privileges.network = facteur::sandbox::Network::inet;
        return std::make_unique<facteur::addressd::Addressd>(process, settings);
    };
    return facteur::daemon::run(argc, argv, addressd);
}
