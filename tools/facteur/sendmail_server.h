#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "lib/spool/envelope.h"

namespace facteur::tool {

/// What `sendmail -bs` needs of its surroundings.
struct StandaloneServer {
    std::string hostname;
    std::string mail_name;
    std::uint64_t size_limit = 0;  ///< 0: none
    int recipient_limit = 1000;
    /// Puts a message into the queue; an exit status of <sysexits.h>.
    std::function<int(const spool::Envelope& envelope, std::string_view content)> submit;

    /// SMTP (RFC 5321) on these streams until QUIT or the end of the input.  Who has the rights of
    /// the caller may send what he likes, so addresses are checked for their form only, and qmgr
    /// returns what cannot be delivered.
    void serve(std::istream& in, std::ostream& out) const;
};

}  // namespace facteur::tool
