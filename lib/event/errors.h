#pragma once

#include <stdexcept>
#include <string>

namespace facteur {

/// The conversation cannot go on.  Thrown by every wait; caught once, where the session ends.
class Disconnect : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The peer closed the connection, or the network broke it.
class Closed : public Disconnect {
public:
    using Disconnect::Disconnect;
};

/// The deadline of the current request passed.
class TimedOut : public Disconnect {
public:
    using Disconnect::Disconnect;
};

/// The Scope was cancelled: the process is shutting down, or the owner of the work gave it up.
class Cancelled : public Disconnect {
public:
    using Disconnect::Disconnect;
};

}  // namespace facteur
