#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "lib/event/loop.h"
#include "lib/ipc/ways/address.h"

namespace facteur::qmgr {

/// What addressd answered a moment ago, for as long as it allows (`keep`): most mail goes where
/// mail went before, and then costs no question.
class ResolutionCache {
public:
    explicit ResolutionCache(std::size_t limit = 20000) : limit_(limit) {}
    /// True when all of the question is known; the answer is complete then.
    bool answer(const ipc::Resolve& question, ipc::Resolution& answer) const;
    /// Keeps an answer of addressd, but for what failed.
    void keep(const ipc::Resolve& question, const ipc::Resolution& answer);

private:
    struct Known {
        TimePoint until;
        std::string sender;
        ipc::Resolved resolved;
    };
    static std::string key(const ipc::Resolve& question, const std::string& recipient);

    std::size_t limit_;
    std::map<std::string, Known> known_;
};

}  // namespace facteur::qmgr
