#pragma once

#include "lib/event/loop.h"

namespace facteur::master {

/// From now on what a daemon forked and leaves behind is master's child.
void adopt_orphans();

/// Returns when master has no child left, or false when one still lives after so long.  Blocks.
bool await_orphans(Seconds patience);

}  // namespace facteur::master
