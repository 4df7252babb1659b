#include "lib/event/sleep.h"

#include "lib/event/errors.h"

namespace facteur {

void Sleep::await_resume() const {
    if (why() == Wake::cancelled) throw Cancelled("shutting down");
}

}  // namespace facteur
