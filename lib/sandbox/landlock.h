#pragma once

#include <cstdint>

#include "lib/base/fd.h"
#include "lib/base/result.h"

/// Landlock (Linux 5.13) by its system calls: glibc 2.36 has no wrappers.
namespace facteur::sandbox::landlock {

/// The kernel's ABI version; 0 when there is none.
int abi();

/// The rights of the three kinds of path; only those that `abi` knows.
std::uint64_t read_access();
std::uint64_t write_access(int abi);
std::uint64_t execute_access();

/// A rule set that forbids all of it.
Result<Fd> make_ruleset(int abi);
/// Allows `access` below path; a path that does not exist is left out.
void allow(const Fd& ruleset, const char* path, std::uint64_t access);
Result<void> restrict_self(const Fd& ruleset);

}  // namespace facteur::sandbox::landlock
