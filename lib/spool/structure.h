#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "lib/spool/files.h"

namespace facteur::spool {

/// What was found in the folders of the queue, and what was done about it.
struct Structure {
    std::vector<std::string> moved;  ///< queue ids of messages that are in their place now
    std::size_t condemned = 0;       ///< files that are no queue files, now in corrupt/
    std::size_t purged = 0;          ///< what interrupted work had left
};

/// Puts messages where qmgr looks for them: a file in another folder of deferred/, or with another
/// name than its own, as after copying or restoring by hand, is moved; what is no queue file goes
/// to corrupt/.  A file whose place is taken stays, and `complain` hears of it.  Blocks; safe while
/// qmgr runs, which knows nothing of such files.
Result<void> mend_structure(Files& files, Structure& found,
                            const std::function<void(const std::string&)>& complain);
/// Removes files that nobody will complete: unfinished ones older than a day, and those in
/// incoming/ that have no writer.  Blocks.
Result<void> purge_unfinished(Files& files, Structure& found);

}  // namespace facteur::spool
