#pragma once

#include <string>
#include <vector>

namespace facteur::sandbox {

/// Which sockets a process may make.
enum class Network {
    none,       ///< only those it was given
    unix_only,  ///< Unix sockets: the ways to the other daemons
    inet,       ///< also TCP and UDP
};

/// What one daemon may do once it has started: data, stated in its main.cc.
///
/// A path may hold "$parameter"; what stands in that parameter may be a list of tables
/// ("hash:/etc/aliases, /srv/mail"), and each file in it opens its folder, because tables are
/// replaced by renaming.  Relative paths are below the queue directory.  A path that does not
/// exist is left out.
struct Privileges {
    std::vector<std::string> readable;
    std::vector<std::string> writable;    ///< files may also be made, renamed and removed there
    std::vector<std::string> executable;  ///< programs it may start (pipes, filters)
    Network network = Network::unix_only;
    /// Names of system calls that the common list forbids and this daemon needs.
    std::vector<std::string> system_calls;
    /// CAP_* numbers that stay after setuid when started as root (delivery as another user).
    std::vector<int> capabilities;
};

}  // namespace facteur::sandbox
