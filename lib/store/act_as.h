#pragma once

#include <optional>

#include "lib/store/store.h"

namespace facteur::store {

/// While it lives, this thread (no other) makes and opens files as their owner: setfsuid(2).
/// Without an owner, or when the process already is that user, it does nothing.
class ActAs {
public:
    explicit ActAs(const std::optional<Owner>& owner);
    ~ActAs();
    ActAs(const ActAs&) = delete;
    ActAs& operator=(const ActAs&) = delete;

private:
    bool changed_ = false;
};

}  // namespace facteur::store
