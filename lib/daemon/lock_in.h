#pragma once

#include "lib/sandbox/identity.h"
#include "lib/sandbox/privileges.h"

namespace facteur::conf {
class MainCf;
}

namespace facteur::daemon {

struct Description;
struct Options;
struct Settings;

/// A privilege table as main.cf and the command line make it for this daemon: plain paths, and
/// capabilities only where master.cf grants them (-p).
sandbox::Privileges plain(const sandbox::Privileges& table, const Description& description,
                          const conf::MainCf& main_cf, const Options& options);

/// Whom this daemon becomes, with the capabilities of its (plain) table.
sandbox::Identity identity_of(const Description& description, const Settings& settings,
                              const Options& options, const sandbox::Privileges& privileges);

/// Becomes that user and locks the process in; ends it when that fails.
void lock_in(const sandbox::Privileges& privileges, const sandbox::Identity& identity,
             const Settings& settings);

/// The locks alone, for a process that is who it shall be.
void lock_in(const sandbox::Privileges& privileges, const Settings& settings);

}  // namespace facteur::daemon
