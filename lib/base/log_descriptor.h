#pragma once

namespace facteur {

/// Of the file that Log writes to, for a process that closes all others; -1 when lines go
/// elsewhere.
int log_descriptor();

}  // namespace facteur
