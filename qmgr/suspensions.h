#pragma once

#include <set>
#include <string>
#include <vector>

#include "lib/base/result.h"
#include "lib/spool/files.h"

namespace facteur::qmgr {

/// Domains to which an administrator lets nothing go for now.  They are in hold/.suspended, a
/// domain a line, and outlive qmgr.
class Suspensions {
public:
    /// Blocks, shortly.
    void read();
    /// The domain of the recipient, or the nexthop, that is suspended; empty: none is.
    std::string covering(const std::string& recipient, const std::string& nexthop) const;
    /// Suspends, or lets go again; "ALL" with resume lets all go.  The Error: not a domain.
    Result<void> change(const std::vector<std::string>& domains, bool resume);
    /// What the file is to hold.
    std::string text() const;
    const std::set<std::string>& domains() const { return domains_; }

private:
    std::set<std::string> domains_;  ///< in lower case
};

/// On the disk when it returns.  Blocks.
Result<void> write_suspensions(spool::Files& files, const std::string& text);

}  // namespace facteur::qmgr
