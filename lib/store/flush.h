#pragma once

#include <cstdint>
#include <string>

#include "lib/base/fd.h"
#include "lib/base/result.h"

namespace facteur::store {

/// Makes what is written below `path` from now on subject to flush_file_system(), which needs a
/// descriptor from before: the kernel tells of a write-back that failed only those descriptors that
/// were open then.  Answers the device number; an Error when path is not there.
Result<std::uint64_t> hold_file_system(const std::string& path);
/// The same with a directory that another process opened.
void hold_file_system(std::uint64_t device, Fd directory);
/// The descriptor that is held, to be passed on; empty when there is none.
Fd held_file_system(std::uint64_t device);

/// Everything that was written to this file system is on disk.  An Error says that something of it
/// may be lost, for good: flushing once more would report success.
Result<void> flush_file_system(std::uint64_t device);

}  // namespace facteur::store
