#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"
#include "lib/store/quota/maildirsize.h"
#include "lib/store/quota/rules.h"

namespace facteur::store::quota {

/// The quota of one Maildir++: says what may still come in, and keeps count.  Everything blocks.
class Keeper {
public:
    /// `warn` hears of each threshold that is crossed.
    using Warn = std::function<void(const Warning&)>;
    Keeper(std::string root, Rules rules, char separator, unsigned mode, Warn warn);

    const Rules& rules() const { return rules_; }
    /// May messages of these sizes go into this mailbox?  `freed` of its root's messages go at the
    /// same time.  Permanent Error 5.2.2, or 5.2.3 for one that is larger than any may be.
    Result<void> admit(std::string_view mailbox, const std::vector<std::uint64_t>& sizes,
                       const Usage& freed = Usage());
    /// What was added to this mailbox, or with negative numbers taken from it.  A failure is
    /// logged: the message is there.
    void changed(std::string_view mailbox, const Usage& change);
    Result<Usage> usage() { return file_.read(); }
    Result<Usage> recount() { return file_.count(); }

private:
    const Rules rules_;
    const Warn warn_;
    MaildirSize file_;
};

/// Together.
Usage sum(const std::vector<std::uint64_t>& sizes);
inline Usage operator-(const Usage& usage) {
    return {-usage.bytes, -usage.messages};
}

}  // namespace facteur::store::quota
