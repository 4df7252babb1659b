#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/config/master_cf.h"

namespace facteur::conf {

/// What became of the lines of a master.cf that was written for Postfix.
struct Adoption {
    struct Dropped {
        std::string command;
        int line = 0;
        std::string_view done_by;       ///< who does that work here
        std::vector<std::string> lost;  ///< names that its -o set
    };
    std::vector<Dropped> dropped;
    std::vector<int> clashes;        ///< lines of services that have the name of one of ours
    std::vector<std::string> added;  ///< names of services that Postfix does not know
};

/// Makes a Postfix master.cf serve here: the programs get our names, services whose work another
/// daemon does are dropped, and those that Postfix does not know are added.  A master.cf of our own
/// stays as it is.
Adoption adopt_postfix(MasterCf& master_cf);

/// The lines with which Postfix has postscreen before smtpd become one service of smtpd, which
/// tests its clients itself: its own options and those of the `smtpd pass` line count.  dnsblog and
/// tlsproxy, which only helped, go.  adopt_postfix() does it too.
void adopt_postscreen(MasterCf& master_cf);

/// Lines of pipe(8) (`uucp unix - n n - - pipe flags=… user=… argv=…`) become services of
/// lmtp-local; the number of processes is that of commands at a time.  adopt_postfix() does it too.
void adopt_pipes(MasterCf& master_cf);

/// Who does the work of a program of Postfix that has no counterpart; empty: there is no such one.
std::string_view done_by(std::string_view command);

/// Whether a folder has our daemons: Postfix's daemon_directory has programs of the same names.
bool holds_our_daemons(const std::string& directory);

}  // namespace facteur::conf
