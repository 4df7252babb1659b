#include "qmgr/resolution_cache.h"

namespace facteur::qmgr {

/// Routing may depend on the sender.
std::string ResolutionCache::key(const ipc::Resolve& question, const std::string& recipient) {
    std::string key(question.expanded ? "x" : "o");
    key += question.sender;
    key += '\n';
    return key += recipient;
}

bool ResolutionCache::answer(const ipc::Resolve& question, ipc::Resolution& answer) const {
    const TimePoint now = Loop::current().now();
    for (const std::string& recipient : question.recipients) {
        auto found = known_.find(key(question, recipient));
        if (found == known_.end() || found->second.until <= now) return false;
        answer.sender = found->second.sender;
        answer.recipients.push_back(found->second.resolved);
    }
    return true;
}

void ResolutionCache::keep(const ipc::Resolve& question, const ipc::Resolution& answer) {
    if (answer.keep == 0 || answer.recipients.size() != question.recipients.size()) return;
    // Old entries go all at once: a full cache is rare, and asking again is cheap.
    if (known_.size() + question.recipients.size() > limit_) known_.clear();
    if (question.recipients.size() > limit_) return;
    const TimePoint until = Loop::current().now() + Seconds(answer.keep);
    for (std::size_t i = 0; i < question.recipients.size(); ++i) {
        if (!answer.recipients[i].status.empty()) continue;
        known_[key(question, question.recipients[i])] =
            Known{until, answer.sender, answer.recipients[i]};
    }
}

}  // namespace facteur::qmgr
