#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/spool/files.h"
#include "lib/spool/queue_file.h"

namespace facteur::spool {

/// The operations on queue files, each one function with its order of steps.  All of them block.

std::string deferred_path(std::string_view id);  ///< deferred/xx/ID
std::string hold_path(std::string_view id);
std::string incoming_path(std::string_view id);

/// A queue file that was read: everything but the content, whose checksum was compared.
struct LoadedFile {
    FileHeader header;
    Trailer trailer;
    std::uint64_t end = 0;  ///< where the next step goes
};
/// A permanent Error is damage; a temporary one says that it could not be read now.
Result<LoadedFile> load_file(const std::string& path);
/// What happened to a message, for somebody who only looks: its content is not read.
Result<Story> load_story(const std::string& path);
/// load_file() for a descriptor that is open already (maildrop, where names cannot be trusted).
Result<LoadedFile> load_open_file(int fd);

/// What a new queue file is made of.
struct NewFile {
    std::string id;
    std::string_view content;
    const Envelope* envelope = nullptr;
    const std::vector<std::string>* steps = nullptr;
    std::int64_t due = 0;  ///< mtime
};
/// Writes, flushes, renames to `path`, flushes the folder: from then on the file counts.
Result<void> write_file(Files& files, const NewFile& file, const std::string& path);

/// incoming/ID with room for its header; the descriptor stands where the content begins.  It bears
/// a lock that its copies share: as long as one of them is open, the file has a writer.
Result<Fd> reserve_file(Files& files, const std::string& id);
/// Removes an incoming/ID that nobody has open any more, as its lock tells.
Result<void> remove_if_abandoned(Files& files, const std::string& id);
/// The content of incoming/ID is complete: trailer, header, flush, rename to its path in
/// deferred/ or hold/, flush the folder.  It is due when it came.  Done already (a repeated
/// request): success.
Result<void> complete_file(Files& files, const std::string& id, const Envelope& envelope,
                           const std::string& to);

/// Appends steps at `end` and sets the due time; returns the new end.
Result<std::uint64_t> append_steps(Files& files, const std::string& path, std::uint64_t end,
                                   const std::vector<std::string>& steps, std::int64_t due);

/// Moves a file between folders of the queue; on the disk when it returns.
Result<void> move_file(Files& files, const std::string& from, const std::string& to);

/// "deferred/xx" of "deferred/xx/ID".
std::string folder_of(const std::string& path);

}  // namespace facteur::spool
